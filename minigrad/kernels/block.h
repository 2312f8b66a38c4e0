/* The innermost block of every convolution and matrix product: R rows of numbers times V columns of
   vectors, whose sums stay in registers while k runs.

       out[i][j] = sum over k < n of  a[i][k] * b[k][j]

                                    b[k][0]       b[k][1]      vectors, loaded once for each k
                                  +-------------+-------------+
      a[0][k], broadcast  ->      |  sum[0][0]  |  sum[0][1]  |
      a[1][k], broadcast  ->      |  sum[1][0]  |  sum[1][1]  |    R * V multiply-adds for
               ...                |     ...     |     ...     |    R + V loads
                                  +-------------+-------------+

   One side is packed: it lies in the order in which it is read. The other is read where it is, by
   two tables of offsets: what convolution means is in these tables alone (tables.py).

       block           a is packed;  b[k][j] = b[place[j] + step[k]]
       block_pairs     the same, but a[i][k] is a vector too: the lanes of out are to be added up
       block_by_rows   b is packed;  a[i][k] = a[place[i] + step[k]]

   This file is a template: simd.h includes it for each element type (real) and instruction set (ISA,
   TARGET, BYTES, REGISTERS). Without GCC's vector types a vector is a single number. */

/* R, V and kind are constants wherever this is inlined, so that its loops unroll. The sums are added to
   what a row starts with or, if start is NULL, to what is in out. */
TARGET ALWAYS_INLINE void NAME(unrolled)(const int R, const int V, const int kind, BLOCK_ARGUMENTS(real))
{
    const real *from[MAX_ROWS];
    const int places = kind == BY_ROWS ? R : V;
    NAME(vector) sum[MAX_ROWS][MAX_ALONE] = {{{0}}};
    UNROLL for (int i = 0; i < places; i++) from[i] = (kind == BY_ROWS ? a : b) + place[i];

    for (ptrdiff_t k = 0; k < n; k++) {
        NAME(vector) v[MAX_ALONE];
        UNROLL for (int j = 0; j < V; j++) v[j] = VECTOR(kind == BY_ROWS ? b + j * LANES : from[j] + step[k]);
        if (kind == NUMBERS && R > 5) /* for the blocks of the next columns (1x1 256->64) */
            UNROLL for (int j = 0; j < V; j++) PREFETCH(from[j] + step[k] + V * LANES);
        UNROLL for (int i = 0; i < R; i++)
            UNROLL for (int j = 0; j < V; j++)
                if (kind == PAIRS)
                    sum[i][j] += VECTOR(a + i * LANES) * v[j];
                else
                    sum[i][j] += (kind == BY_ROWS ? from[i][step[k]] : a[i]) * v[j];
        if (kind == BY_ROWS)
            b += V * LANES;
        else
            a += kind == PAIRS ? R * LANES : R;
    }
    UNROLL for (int i = 0; i < R; i++)
        UNROLL for (int j = 0; j < V; j++)
            if (start)
                VECTOR(out + i * pitch + to[j]) = sum[i][j] + start[i];
            else
                VECTOR(out + i * pitch + to[j]) += sum[i][j];
}

/* One instance for each number of rows and columns that is asked for (most_rows and most_columns in
   loops.pxd), so that nothing is computed in vain. A lone row, of a channel that is a group by itself, has
   more columns: else the call would take longer than the sums. */
#define CASE(R, V, kind) \
    case 16 * (R) + (V): \
        if (FITS(R, V, REGISTERS)) NAME(unrolled)(R, V, kind, n, a, b, place, step, start, out, pitch, to); \
        break;
#define CASES(R, kind) CASE(R, 1, kind) CASE(R, 2, kind) CASE(R, 3, kind) CASE(R, 4, kind)
#define FEW(kind) CASES(1, kind) CASES(2, kind) CASES(3, kind) CASES(4, kind) CASES(5, kind) CASES(6, kind)
#define ALONE(kind) \
    CASE(1, 5, kind) CASE(1, 6, kind) CASE(1, 7, kind) CASE(1, 8, kind) \
    CASE(1, 9, kind) CASE(1, 10, kind) CASE(1, 11, kind) CASE(1, 12, kind)
#define MANY(kind) \
    CASES(7, kind) CASES(8, kind) CASES(9, kind) CASES(10, kind) \
    CASES(11, kind) CASES(12, kind) CASES(13, kind) CASES(14, kind)
#define DEFINE_BLOCK(stem, kind, more) \
    TARGET static void NAME(stem)(int rows, int columns, BLOCK_ARGUMENTS(void)) \
    { \
        switch (16 * rows + columns) { FEW(kind) more(kind) } \
    }
DEFINE_BLOCK(block, NUMBERS, ALONE)
DEFINE_BLOCK(block_pairs, PAIRS, ALONE)
DEFINE_BLOCK(block_by_rows, BY_ROWS, MANY)

#undef FEW
#undef ALONE
#undef MANY
#undef CASE
#undef CASES
#undef DEFINE_BLOCK
