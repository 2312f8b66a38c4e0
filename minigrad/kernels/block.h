/* The innermost block of every convolution:

       out[i][j] += sum over k < n of  a[row[i] + col[k]] * b[step[k] + j]

   A block of ROWS x VECTORS accumulators stays in registers while k runs. Each k costs one vector
   load for each column of the block and one broadcast for each row, and both are used for
   ROWS * VECTORS multiply-adds: arithmetic, not memory, sets the pace.

                                 b[step[k] + j]: packed, from the cache
                                  +----------+----------+
                                  |  vector  |  vector  |
           a[row[0] + col[k]] ->  |   acc    |   acc    |
           a[row[1] + col[k]] ->  |   acc    |   acc    |    acc: in registers until k = n
                  ...             |   ...    |   ...    |
           one number, broadcast; a is read in place, by way of two tables of offsets

   This file is a template: blocks.h includes it for each element type (real) and instruction set
   (ISA, TARGET, BYTES, ROWS, VECTORS). Without GCC's vector types a vector is a single number. */

#define NAME(stem) PASTE(stem, ISA, real)

#ifdef __GNUC__
typedef real NAME(vector) __attribute__((vector_size(BYTES), aligned(sizeof(real)), may_alias));
#else
typedef real NAME(vector);
#endif

/* R and V are constants wherever this is inlined, so that its inner loops unroll. */
TARGET ALWAYS_INLINE void NAME(unrolled)(
    const int R, const int V, ptrdiff_t n,
    const real *a, const ptrdiff_t *row, const ptrdiff_t *col,
    const real *b, const ptrdiff_t *step, real *out, ptrdiff_t pitch)
{
    NAME(vector) acc[ROWS][VECTORS] = {{{0}}};
    for (ptrdiff_t k = 0; k < n; k++) {
        const NAME(vector) *bk = (const NAME(vector) *)(b + step[k]);
        UNROLL for (int i = 0; i < R; i++)
            UNROLL for (int j = 0; j < V; j++)
                acc[i][j] += a[row[i] + col[k]] * bk[j];
    }
    UNROLL for (int i = 0; i < R; i++)
        UNROLL for (int j = 0; j < V; j++)
            ((NAME(vector) *)(out + i * pitch))[j] += acc[i][j];
}

/* One instance for each number of rows and vectors, so that nothing is computed in vain. */
#define CASE(R, V) \
    case 4 * (R) + (V): \
        if ((R) <= ROWS && (V) <= VECTORS) \
            NAME(unrolled)(R, V, n, a, row, col, b, step, out, pitch); \
        break;
#define CASES(V) \
    CASE(1, V) CASE(2, V) CASE(3, V) CASE(4, V) CASE(5, V) CASE(6, V) \
    CASE(7, V) CASE(8, V) CASE(9, V) CASE(10, V) CASE(11, V) CASE(12, V)

TARGET static void NAME(block)(
    int rows, int vectors, ptrdiff_t n,
    const real *a, const ptrdiff_t *row, const ptrdiff_t *col,
    const real *b, const ptrdiff_t *step, real *out, ptrdiff_t pitch)
{
    switch (4 * rows + vectors) { CASES(1) CASES(2) CASES(3) }
}

#undef NAME
#undef CASE
#undef CASES
#undef real
