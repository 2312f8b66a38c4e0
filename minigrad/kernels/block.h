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

       block           a is packed;  b[k][j] = b[column[j] + step[k]]
       block, pairs    the same, but a[i][k] is a vector too: the lanes of out are to be added up
       block_by_rows   b is packed;  a[i][k] = a[row[i] + step[k]]

   This file is a template: simd.h includes it for each element type (real) and instruction set (ISA,
   TARGET, BYTES, REGISTERS). Without GCC's vector types a vector is a single number. */

/* R and V are constants wherever this is inlined, so that its loops unroll. */
TARGET ALWAYS_INLINE void NAME(store)(
    const int R, const int V, NAME(vector) sum[MAX_ROWS][MAX_COLUMNS], STORE_ARGUMENTS(real))
{
    UNROLL for (int i = 0; i < R; i++)
        UNROLL for (int j = 0; j < V; j++)
            if (start)
                VECTOR(out + i * pitch + to[j]) = sum[i][j] + start[i];
            else
                VECTOR(out + i * pitch + to[j]) += sum[i][j];
}

TARGET ALWAYS_INLINE void NAME(unrolled)(const int R, const int V, const int pairs, BLOCK_ARGUMENTS(real))
{
    const real *from[MAX_COLUMNS];
    NAME(vector) sum[MAX_ROWS][MAX_COLUMNS] = {{{0}}};
    UNROLL for (int j = 0; j < V; j++) from[j] = b + column[j];

    for (ptrdiff_t k = 0; k < n; k++) {
        NAME(vector) v[MAX_COLUMNS];
        UNROLL for (int j = 0; j < V; j++) v[j] = VECTOR(from[j] + step[k]);
        UNROLL for (int i = 0; i < R; i++)
            UNROLL for (int j = 0; j < V; j++)
                sum[i][j] += pairs ? VECTOR(a + i * LANES) * v[j] : a[i] * v[j];
        a += pairs ? R * LANES : R;
    }
    NAME(store)(R, V, sum, start, out, pitch, to);
}

TARGET ALWAYS_INLINE void NAME(unrolled_by_rows)(const int R, const int V, BY_ROWS_ARGUMENTS(real))
{
    const real *from[MAX_ROWS];
    NAME(vector) sum[MAX_ROWS][MAX_COLUMNS] = {{{0}}};
    UNROLL for (int i = 0; i < R; i++) from[i] = a + row[i];

    for (ptrdiff_t k = 0; k < n; k++) {
        NAME(vector) v[MAX_COLUMNS];
        UNROLL for (int j = 0; j < V; j++) v[j] = VECTOR(b + j * LANES);
        UNROLL for (int i = 0; i < R; i++)
            UNROLL for (int j = 0; j < V; j++) sum[i][j] += from[i][step[k]] * v[j];
        b += V * LANES;
    }
    NAME(store)(R, V, sum, start, out, pitch, to);
}

/* One instance for each number of rows and columns, so that nothing is computed in vain. */
#define CASE(R, V) \
    case 4 * (R) + (V)-1: \
        if (FITS(R, V, REGISTERS)) INSTANCE(R, V); \
        break;
#define CASES(R) CASE(R, 1) CASE(R, 2) CASE(R, 3) CASE(R, 4)
#define ALL_CASES \
    CASES(1) CASES(2) CASES(3) CASES(4) CASES(5) CASES(6) CASES(7) \
    CASES(8) CASES(9) CASES(10) CASES(11) CASES(12) CASES(13) CASES(14)

TARGET static void NAME(block)(int rows, int columns, BLOCK_ARGUMENTS(void))
{
#define INSTANCE(R, V) NAME(unrolled)(R, V, 0, n, a, b, column, step, start, out, pitch, to)
    switch (4 * rows + columns - 1) { ALL_CASES }
#undef INSTANCE
}

TARGET static void NAME(block_pairs)(int rows, int columns, BLOCK_ARGUMENTS(void))
{
#define INSTANCE(R, V) NAME(unrolled)(R, V, 1, n, a, b, column, step, start, out, pitch, to)
    switch (4 * rows + columns - 1) { ALL_CASES }
#undef INSTANCE
}

TARGET static void NAME(block_by_rows)(int rows, int columns, BY_ROWS_ARGUMENTS(void))
{
#define INSTANCE(R, V) NAME(unrolled_by_rows)(R, V, n, a, row, step, b, start, out, pitch, to)
    switch (4 * rows + columns - 1) { ALL_CASES }
#undef INSTANCE
}

#undef CASE
#undef CASES
#undef ALL_CASES
