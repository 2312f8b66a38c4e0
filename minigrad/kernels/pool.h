/* Max pooling of one plane: a vector of neighbouring outputs goes through the window together.

      x, streams                  in registers, until the window is done       y, index
      +-----------------------+    number = x at a tap, every second one       +--------+
      | [a  b] [c  d] [e  f]  |             | a  c  e |                        | b  j  e|
      | [g  h] [i  j] [k  l]  |    best   = | .  .  . |  where number is       |        |
      +-----------------------+    place  = | .  .  . |  larger: replaced      +--------+

   Complete windows begin `stride` apart. The last vector of a row begins so early that it ends with
   them: it computes some outputs twice. A row that is shorter than a vector runs over into the next
   row or plane, which is written after it; where none follows it goes to the next narrower instruction
   set. Windows that are cut by a border go one by one. A NaN replaces what is there, and no number is
   larger than it.

   This file is a template, as block.h. */

/* The window of one output, cut or not; an empty one gives -inf and -1. PyTorch's rule: of equal
   numbers the first stays, and a NaN replaces everything. */
TARGET static void NAME(pool_one)(
    const pooling *p, ptrdiff_t i, ptrdiff_t j, ptrdiff_t c, const real *x, real *y, int32_t *index)
{
    const pool_axis *a = &p->axis[0], *b = &p->axis[1], *d = &p->axis[2];
    *y = (real)-INFINITY, *index = -1;
    for (ptrdiff_t s = 0; s < a->count[i]; s++)
        for (ptrdiff_t t = 0; t < b->count[j]; t++) {
            ptrdiff_t at = a->start[i] + s * a->step + b->start[j] + t * b->step + d->start[c];
            for (ptrdiff_t k = 0; k < d->count[c]; k++, at += d->step)
                if (x[at] > *y || x[at] != x[at] || *index < 0)
                    *y = x[at], *index = (int32_t)at;
        }
}

#ifdef __GNUC__
#define TAKE(type, mask, a, b) (type)(((NAME(mask))(a) & (mask)) | ((NAME(mask))(b) & ~(mask)))
typedef int32_t NAME(indices) __attribute__((vector_size(BYTES / sizeof(real) * 4), aligned(4), may_alias));

/* A vector of windows of A * B * C taps, the first of which begins at x[at]. */
TARGET ALWAYS_INLINE void NAME(pool_vector)(
    const ptrdiff_t A, const ptrdiff_t B, const ptrdiff_t C, const ptrdiff_t stride,
    const pooling *p, const real *x, ptrdiff_t at, real *y, int32_t *index)
{
    NAME(vector) best = (NAME(vector)){0} - (real)INFINITY, number = best;
    NAME(mask) lane = (NAME(mask)){EACH(LANE)} * (integer)stride, place = lane + (int32_t)at, mask;
    for (ptrdiff_t i = 0; i < A; i++)
        for (ptrdiff_t j = 0; j < B; j++) {
            ptrdiff_t tap = at + i * p->axis[0].step + j * p->axis[1].step;
            NAME(mask) here = lane + (int32_t)tap;
            for (ptrdiff_t k = 0; k < C; k++) {
                if (stride == 1)
                    number = VECTOR(x + tap);
                else if (stride == 2) /* without touching what is behind the last one */
                    number = SHUFFLE(VECTOR(x + tap), VECTOR(x + tap + LANES - 1), EVEN);
                else
                    UNROLL for (int l = 0; l < LANES; l++) number[l] = x[tap + l * stride];
                mask = (number > best) | (number != number);
                best = TAKE(NAME(vector), mask, number, best);
                place = TAKE(NAME(mask), mask, here, place);
                tap += p->axis[2].step, here += (int32_t)p->axis[2].step;
            }
        }
    VECTOR(y) = best;
    *(NAME(indices) *)index = __builtin_convertvector(place, NAME(indices));
}

/* The complete windows of a row, and some more if they do not fill a vector. */
#define VECTORS(A, B, C, stride) \
    for (ptrdiff_t c = 0; c < p->whole; c += LANES) { \
        ptrdiff_t o = c + LANES > p->whole && c ? p->whole - LANES : c; \
        NAME(pool_vector)(A, B, C, stride, p, x, at + o * (stride), y + o, index + o); \
    }
#endif

/* The complete windows of row (i, j) of the result, where `left` outputs may still be written, and x has `size` numbers. */
TARGET static void NAME(pool_row)(
    const pooling *p, ptrdiff_t i, ptrdiff_t j, ptrdiff_t left, const real *x, ptrdiff_t size, real *y, int32_t *index)
{
#ifdef __GNUC__
    const pool_axis *a = &p->axis[0], *b = &p->axis[1], *d = &p->axis[2];
    ptrdiff_t A = a->count[i], B = b->count[j], C = p->taps;
    ptrdiff_t at = a->start[i] + b->start[j] + d->start[p->first];
    ptrdiff_t end = at + (A - 1) * a->step + (B - 1) * b->step + (C - 1) * d->step + (LANES - 1) * p->stride + 1;
    if (A && B && (p->whole >= LANES || (left >= LANES && end <= size))) {
        if (p->stride == 2 && A == 1 && B == 2 && C == 2) /* 2x2 on 64x20x10x10 */
            VECTORS(1, 2, 2, 2)
        else if (p->stride == 2 && A == 1 && C == 3) /* 3x3 s2 p1 on 8x64x112x112 */
            VECTORS(1, B, 3, 2)
        else if (p->stride == 2)
            VECTORS(A, B, C, 2)
        else if (p->stride == 1)
            VECTORS(A, B, C, 1)
        else
            VECTORS(A, B, C, p->stride)
        return;
    }
#endif
#ifdef NARROWER
    PASTE(pool_row, NARROWER, real)(p, i, j, left, x, size, y, index);
#else
    for (ptrdiff_t c = 0; c < p->whole; c++)
        NAME(pool_one)(p, i, j, p->first + c, x, y + c, index + c);
#endif
}

/* One plane; size numbers of x come from its beginning on, and left outputs from that of its own. */
TARGET static void NAME(pool)(
    const pooling *p, const void *plane, ptrdiff_t size, void *pooled, int32_t *index, ptrdiff_t left)
{
    const real *x = plane;
    real *y = pooled;
    ptrdiff_t n = p->axis[2].outputs;
    for (ptrdiff_t i = 0; i < p->axis[0].outputs; i++)
        for (ptrdiff_t j = 0; j < p->axis[1].outputs; j++, y += n, index += n, left -= n) {
            if (p->whole) /* first, as it may run over what comes before and after */
                NAME(pool_row)(p, i, j, left - p->first, x, size, y + p->first, index + p->first);
            for (ptrdiff_t c = 0; c < p->first; c++)
                NAME(pool_one)(p, i, j, c, x, y + c, index + c);
            for (ptrdiff_t c = p->first + p->whole; c < n; c++)
                NAME(pool_one)(p, i, j, c, x, y + c, index + c);
        }
}

#undef TAKE
#undef VECTORS
