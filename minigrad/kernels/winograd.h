/* The linear maps of Winograd's convolution (winograd.pyx), along both sides of squares of vectors.

   With 3 weights and 4 neighbours of an image, two sums take 4 products instead of 6:

       A' ( (G w) * (B' x) ) = w0 x0 + w1 x1 + w2 x2      B' x = x0 - x2    G w = w0                   A' p = p0 + p1 + p2
                               w0 x1 + w1 x2 + w2 x3             x1 + x2          (w0 + w1 + w2) / 2          p1 - p2 - p3
                                                                 x2 - x1          (w0 - w1 + w2) / 2
                                                                 x1 - x3          w2

   Along rows and columns, 4 x 4 numbers of an image and 3 x 3 weights take 16 products for 2 x 2 sums, not
   36. The gradient of the weights takes the maps back, A and G' in places of A' and G. Source: Lavin and
   Gray, "Fast algorithms for convolutional neural networks", arXiv:1509.09308. A template like block.h. */

#define IMAGE_SIDE(x0, x1, x2, x3) \
    { NAME(vector) sum = x1 + x2, rest = x2 - x1; x0 -= x2; x3 = x1 - x3; x1 = sum; x2 = rest; }
#define WEIGHT_SIDE(w0, w1, w2, w3) \
    { NAME(vector) outer = (w0 + w2) * (real)0.5, inner = w1 * (real)0.5; w3 = w2; w1 = outer + inner; w2 = outer - inner; }
#define RESULT_SIDE(p0, p1, p2, p3) \
    { p0 += p1 + p2; p1 -= p2 + p3; }
#define RESULT_SIDE_BACK(g0, g1, g2, g3) \
    { g3 = -g1; g2 = g0 - g1; g1 = g0 + g1; }
#define WEIGHT_SIDE_BACK(p0, p1, p2, p3) \
    { NAME(vector) half = (p1 + p2) * (real)0.5; p0 += half; p1 = (p1 - p2) * (real)0.5; p2 = half + p3; }

/* Squares of m x m vectors become squares of n x n: `count` of them, each number `width` numbers side by side. */
#define DEFINE_SIDE(stem, SIDE, m, n) \
    TARGET static void NAME(stem)(ptrdiff_t count, ptrdiff_t width, const void *source, squares from, \
                                  void *target, squares to) \
    { \
        for (ptrdiff_t i = 0; i < count; i++) \
            for (ptrdiff_t l = 0; l < width; l += LANES) { \
                const real *a = (const real *)source + i * from.next + l; \
                real *b = (real *)target + i * to.next + l; \
                NAME(vector) v[4][4]; \
                UNROLL for (int r = 0; r < m; r++) \
                    UNROLL for (int c = 0; c < m; c++) v[r][c] = VECTOR(a + r * from.row + c * from.column); \
                UNROLL for (int c = 0; c < m; c++) SIDE(v[0][c], v[1][c], v[2][c], v[3][c]) \
                UNROLL for (int r = 0; r < n; r++) { \
                    SIDE(v[r][0], v[r][1], v[r][2], v[r][3]) \
                    UNROLL for (int c = 0; c < n; c++) VECTOR(b + r * to.row + c * to.column) = v[r][c]; \
                } \
            } \
    }
DEFINE_SIDE(image_side, IMAGE_SIDE, 4, 4)
DEFINE_SIDE(weight_side, WEIGHT_SIDE, 3, 4)
DEFINE_SIDE(result_side, RESULT_SIDE, 4, 2)
DEFINE_SIDE(result_side_back, RESULT_SIDE_BACK, 2, 4)
DEFINE_SIDE(weight_side_back, WEIGHT_SIDE_BACK, 4, 3)

/* Whether no number is NaN or infinite: only for these, x - x is not 0. */
TARGET static int NAME(finite)(ptrdiff_t size, const void *numbers)
{
    const real *x = numbers;
    NAME(vector) sum = {0};
    real rest = 0;
    ptrdiff_t i = 0;
    for (; i + LANES <= size; i += LANES) sum += VECTOR(x + i) - VECTOR(x + i);
    for (; i < size; i++) rest += x[i] - x[i];
    int finite = rest == 0;
    for (int l = 0; l < LANES; l++) finite &= ((const real *)&sum)[l] == 0;
    return finite;
}

#undef DEFINE_SIDE
#undef IMAGE_SIDE
#undef WEIGHT_SIDE
#undef RESULT_SIDE
#undef RESULT_SIDE_BACK
#undef WEIGHT_SIDE_BACK
