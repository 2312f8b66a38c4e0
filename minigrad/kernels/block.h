/* The innermost block of every convolution: R rows of numbers times V columns of vectors,

       out[i][j] = sum over k < n of  a[row[i] + a_step[k]] * b[column[j] + b_step[k]]

   The sums stay in registers while k runs. Each k costs a broadcast for each row and a load for
   each column, which then serve for R * V multiply-adds: arithmetic, not memory, sets the pace.

                                   b[column[0] + b_step[k]]   b[column[1] + b_step[k]]
                                  +--------------------------+------------------------+
      a[row[0] + a_step[k]]  ->   |        sum[0][0]         |       sum[0][1]        |
      a[row[1] + a_step[k]]  ->   |        sum[1][0]         |       sum[1][1]        |
               ...                |           ...            |          ...           |
      one number, broadcast        vectors of numbers, in registers until k = n

   Nothing has to lie in order: four tables of offsets say where a and b are read. If `pairs`, a is
   read in vectors as well: scalar products, whose lanes are to be added up. If `add`, the sums are
   added to what is in out.

   This file is a template: blocks.h includes it for each element type (real) and instruction set
   (ISA, TARGET, BYTES, REGISTERS). Without GCC's vector types a vector is a single number. */

#define NAME(stem) PASTE(stem, ISA, real)

#ifdef __GNUC__
typedef real NAME(vector) __attribute__((vector_size(BYTES), aligned(sizeof(real)), may_alias));
#else
typedef real NAME(vector);
#endif
#define VECTOR(pointer) (*(NAME(vector) *)(pointer))

/* R, V and pairs are constants wherever this is inlined, so that its inner loops unroll. */
TARGET ALWAYS_INLINE void NAME(unrolled)(const int R, const int V, const int pairs, ARGUMENTS(real))
{
    const real *a_row[MAX_ROWS], *b_column[MAX_COLUMNS];
    NAME(vector) sum[MAX_ROWS][MAX_COLUMNS] = {{{0}}};
    UNROLL for (int i = 0; i < R; i++) a_row[i] = a + row[i];
    UNROLL for (int j = 0; j < V; j++) b_column[j] = b + column[j];

    for (ptrdiff_t k = 0; k < n; k++)
        UNROLL for (int i = 0; i < R; i++)
            UNROLL for (int j = 0; j < V; j++)
                if (pairs)
                    sum[i][j] += VECTOR(a_row[i] + a_step[k]) * VECTOR(b_column[j] + b_step[k]);
                else
                    sum[i][j] += a_row[i][a_step[k]] * VECTOR(b_column[j] + b_step[k]);

    UNROLL for (int i = 0; i < R; i++)
        UNROLL for (int j = 0; j < V; j++)
            if (add)
                (&VECTOR(out + i * pitch))[j] += sum[i][j];
            else
                (&VECTOR(out + i * pitch))[j] = sum[i][j];
}

/* One instance for each number of rows and columns, so that nothing is computed in vain. */
#define CASE(R, V, pairs) \
    case 16 * (R) + 2 * (V) + (pairs): \
        if (FITS(R, V, REGISTERS)) \
            NAME(unrolled)(R, V, pairs, n, a, row, a_step, b, column, b_step, out, pitch, add); \
        break;
#define CASES(R) \
    CASE(R, 1, 0) CASE(R, 2, 0) CASE(R, 3, 0) CASE(R, 4, 0) \
    CASE(R, 1, 1) CASE(R, 2, 1) CASE(R, 3, 1) CASE(R, 4, 1)

TARGET static void NAME(block)(int rows, int columns, int pairs, ARGUMENTS(real))
{
    switch (16 * rows + 2 * columns + pairs) {
        CASES(1) CASES(2) CASES(3) CASES(4) CASES(5) CASES(6) CASES(7) CASES(8)
    }
}

#undef NAME
#undef VECTOR
#undef CASE
#undef CASES
#undef real
