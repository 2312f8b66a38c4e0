/* Depthwise convolution of one plane (plane.pyx), in which vectors hold neighbours of a row.

       x with its border, in the cache        sums of neighbouring rows of y, in registers
       +---------------------------+
       | . [a a a a] . . . . . . . |          sum[0] += w[0] a
       | . [b b b b] . . . . . . . |          sum[0] += w[1] b     sum[1] += w[0] b
       | . [c c c c] . . . . . . . |          sum[0] += w[2] c     sum[1] += w[1] c     sum[2] += w[0] c
       | . [d d d d] . . . . . . . |                               sum[1] += w[2] d     sum[2] += w[1] d  ...
       +---------------------------+

   For a column of the kernel, each vector of x is loaded once and goes into all sums that see it: so the loads,
   most of which straddle two lines of the cache, take less time than the products. The last vector of a row, and
   the last rows, overlap those before. A row that is shorter than a vector is left to narrower ones (tables.NARROW). With a stride,
   rows of y share no row of x, and the columns 0, stride, 2 stride, ... of x lie side by side. */

/* K rows of the kernel, from w and x on, into the sums of R rows of y. */
TARGET ALWAYS_INLINE void NAME(add_rows)(
    const int K, const int R, const planes *p, const real *w, const real *x, NAME(vector) *sum)
{
    for (ptrdiff_t j = 0; j < p->kernel_columns; j++)
        UNROLL for (int r = 0; r < R + K - 1; r++) {
            NAME(vector) v = VECTOR(x + r * p->stride * p->pitch + p->tap[j]);
            KEEP(v);
            UNROLL for (int k = 0; k < K; k++)
                if (r >= k && r - k < R) sum[r - k] += w[k * p->kernel_columns + j] * v;
        }
}

/* A vector of each of R rows of y: three rows of the kernel at a time, if they see neighbouring rows of x. */
TARGET ALWAYS_INLINE void NAME(sum_rows)(const int R, const planes *p, const real *w, const real *x, real start, real *y)
{
    NAME(vector) sum[8];
    UNROLL for (int r = 0; r < R; r++) sum[r] = (NAME(vector)){0} + start;
    for (ptrdiff_t k = 0, rows; k < p->kernel_rows; k += rows) {
        rows = p->stride == 1 && p->row_step == 1 && k + 3 <= p->kernel_rows ? 3 : 1;
        if (rows == 3)
            NAME(add_rows)(3, R, p, w, x, sum);
        else
            NAME(add_rows)(1, R, p, w, x, sum);
        w += rows * p->kernel_columns, x += rows * p->row_step * p->pitch;
    }
    UNROLL for (int r = 0; r < R; r++) VECTOR(y + r * p->columns) = sum[r];
}

#define SUM_ROWS(R) \
    for (ptrdiff_t i = 0; i < p->rows; i += R) \
        for (ptrdiff_t j = 0; j < p->columns; j += LANES) { \
            ptrdiff_t r = i + R <= p->rows ? i : p->rows - R, c = j + LANES <= p->columns ? j : p->columns - LANES; \
            NAME(sum_rows)(R, p, w, x + r * p->stride * p->pitch + c, start, y + r * p->columns + c); \
        }

/* y = bias + the correlation of the bordered plane x with w. */
TARGET static void NAME(plane)(const planes *p, const void *weights, const void *plane, const void *bias, void *result)
{
    const real *w = weights, *x = plane, start = *(const real *)bias;
    real *y = result;
#ifdef NARROWER
    if (p->columns < LANES) {
        PASTE(plane, NARROWER, real)(p, weights, plane, bias, result);
        return;
    }
#endif
    if (p->rows >= 8 && REGISTERS >= 32)
        SUM_ROWS(8)
    else if (p->rows >= 4)
        SUM_ROWS(4)
    else
        SUM_ROWS(1)
}

/* Add to sums [9, LANES] what the slopes g of y give to 3 x 3 weights, the first of which sees x. Here rows are those
   of x, columns whole vectors; g has zeros up to there, in rows that the stride skips, and around it. */
TARGET static void NAME(plane_weights)(const planes *p, const void *plane, const void *slopes, void *result)
{
    const real *x = plane, *g = slopes;
    real *sums = result;
    NAME(vector) sum[9] = {{0}};
    for (ptrdiff_t r = 0; r < p->rows; r++, x += p->pitch, g += p->columns)
        for (ptrdiff_t c = 0; c < p->columns; c += LANES) {
            NAME(vector) v[3];
            UNROLL for (int j = 0; j < 3; j++) {
                v[j] = VECTOR(x + c + p->tap[j]);
                KEEP(v[j]);
            }
            UNROLL for (int i = 0; i < 9; i++) sum[i] += VECTOR(g + c - i / 3 * p->row_step * p->columns) * v[i % 3];
        }
    UNROLL for (int i = 0; i < 9; i++) VECTOR(sums + i * LANES) += sum[i];
}

#undef SUM_ROWS
