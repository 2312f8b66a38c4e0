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
   the last rows, overlap those before. A row that is shorter than a vector is left to narrower ones (tables.NARROW).
   With a stride, rows of y share no row of x, and the columns 0, stride, 2 stride, ... of x lie side by side.
   The gradient of the weights is the same turned over: in registers are nine sums, and slopes of some rows of y. */

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

/* CALL(R) for all blocks of R rows and a vector of columns of y, of which the first is (r, c). */
#define EACH_BLOCK(R, CALL) \
    for (ptrdiff_t i = 0; i < p->rows; i += R) \
        for (ptrdiff_t j = 0; j < p->columns; j += LANES) { \
            ptrdiff_t r = i + R <= p->rows ? i : p->rows - R, c = j + LANES <= p->columns ? j : p->columns - LANES; \
            CALL(R); \
        }
#define ALL_BLOCKS(CALL) \
    if (p->rows >= 8 && REGISTERS >= 32) \
        EACH_BLOCK(8, CALL) \
    else if (p->rows >= 4) \
        EACH_BLOCK(4, CALL) \
    else \
        EACH_BLOCK(1, CALL)

/* y = bias + the correlation of the bordered plane x with w. */
#define SUM_ROWS(R) NAME(sum_rows)(R, p, w, x + r * p->stride * p->pitch + c, start, y + r * p->columns + c)
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
    ALL_BLOCKS(SUM_ROWS)
}

/* Add to sum [9] what R rows of the slopes g of y give to 3 x 3 weights, the first of which sees x. The first rows
   `above`, and in the others the numbers `beside`, are counted already. */
TARGET ALWAYS_INLINE void NAME(add_slopes)(
    const int R, const planes *p, const real *x, const real *g, ptrdiff_t above, ptrdiff_t beside, NAME(vector) *sum)
{
    NAME(vector) slope[8];
    UNROLL for (int r = 0; r < R; r++) {
        slope[r] = BEHIND(beside, VECTOR(g + r * p->columns));
        if (r < above) slope[r] = (NAME(vector)){0};
        PREFETCH(g + (r + R) * p->columns);
    }
    if (p->stride == 1 && p->row_step == 1) {
        UNROLL for (int r = 0; r < R + 2; r++)
            UNROLL for (int j = 0; j < 3; j++) {
                NAME(vector) v = VECTOR(x + r * p->pitch + p->tap[j]);
                KEEP(v);
                UNROLL for (int k = 0; k < 3; k++)
                    if (r >= k && r - k < R) sum[3 * k + j] += slope[r - k] * v;
            }
        return;
    }
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int i = 0; i < 9; i++)
            sum[i] += slope[r] * VECTOR(x + (r * p->stride + i / 3 * p->row_step) * p->pitch + p->tap[i % 3]);
}

/* Add to sums [9], each a vector in 64 bytes, what a plane of slopes g gives to 3 x 3 weights. */
#define ADD_SLOPES(R) \
    NAME(add_slopes)(R, p, x + r * p->stride * p->pitch + c, g + r * p->columns + c, i - r, j - c, sum)
TARGET static void NAME(plane_weights)(const planes *p, const void *plane, const void *slopes, void *result)
{
    const real *x = plane, *g = slopes;
    NAME(vector) sum[9] = {{0}};
#ifdef NARROWER
    if (p->columns < LANES) {
        PASTE(plane_weights, NARROWER, real)(p, plane, slopes, result);
        return;
    }
#endif
    ALL_BLOCKS(ADD_SLOPES)
    UNROLL for (int i = 0; i < 9; i++) VECTOR((char *)result + i * MAX_BYTES) += sum[i];
}

#undef EACH_BLOCK
#undef ALL_BLOCKS
#undef SUM_ROWS
#undef ADD_SLOPES
