/* Numbers brought into the order in which the blocks read them. A template like block.h. */

/* packed[k][i] = the vector of b at step[k] + i * pitch, for i < rows, with 0 for its first skip[k] numbers. */
TARGET static void NAME(copy)(ptrdiff_t n, ptrdiff_t rows, const void *b, const ptrdiff_t *step, const ptrdiff_t *skip,
                              ptrdiff_t pitch, void *memory)
{
    real *packed = memory;
    for (ptrdiff_t k = 0; k < n; k++)
        for (ptrdiff_t i = 0; i < rows; i++, packed += LANES)
            VECTOR(packed) = BEHIND(skip[k], VECTOR((const real *)b + step[k] + i * pitch));
}

/* b[i][j] = a[i][j * step] for i < rows and j < columns. A call of memcpy for each row would take longer than a row
   (depthwise 3x3). The last vector of a row overlaps the one before. Of constant steps compilers make shuffles,
   which for more than two wide vectors are slow. */
#define EVERY(step) \
    for (ptrdiff_t i = 0; i < rows; i++) \
        for (ptrdiff_t j = 0; j < columns; j++) b[i * b_pitch + j] = a[i * a_pitch + j * (step)];
TARGET static void NAME(copy_rows)(
    ptrdiff_t rows, ptrdiff_t columns, const void *source, ptrdiff_t a_pitch, ptrdiff_t a_step,
    void *target, ptrdiff_t b_pitch)
{
    const real *a = source;
    real *b = target;
#ifdef NARROWER
    if (columns < LANES || a_step > 2) {
        PASTE(copy_rows, NARROWER, real)(rows, columns, source, a_pitch, a_step, target, b_pitch);
        return;
    }
#endif
    if (a_step == 2)
        EVERY(2)
    else if (a_step == 3)
        EVERY(3)
    else if (a_step == 4)
        EVERY(4)
    else if (a_step > 1 || columns < LANES)
        EVERY(a_step)
    else
        for (ptrdiff_t i = 0; i < rows; i++, a += a_pitch, b += b_pitch)
            for (ptrdiff_t j = 0; j < columns; j += LANES) {
                ptrdiff_t c = j + LANES <= columns ? j : columns - LANES;
                VECTOR(b + c) = VECTOR(a + c);
            }
}
#undef EVERY

/* b[j][i] = a[i][j] for a square of LANES rows and columns: a perfect shuffle, as of two halves of a pack
   of cards, moves the bits of row and column by one, and as many as there are bits exchange the two. */
TARGET ALWAYS_INLINE void NAME(square)(const real *a, ptrdiff_t a_pitch, real *b, ptrdiff_t b_pitch)
{
    NAME(vector) v[LANES], shuffled[LANES];
    UNROLL for (int l = 0; l < LANES; l++) v[l] = VECTOR(a + l * a_pitch);
    UNROLL for (int h = 1; h < LANES; h *= 2) {
        UNROLL for (int l = 0; l < LANES / 2; l++) {
            shuffled[2 * l] = SHUFFLE(v[l], v[l + LANES / 2], FIRST_HALVES);
            shuffled[2 * l + 1] = SHUFFLE(v[l], v[l + LANES / 2], SECOND_HALVES);
        }
        UNROLL for (int l = 0; l < LANES; l++) v[l] = shuffled[l];
    }
    UNROLL for (int l = 0; l < LANES; l++) VECTOR(b + l * b_pitch) = v[l];
}

/* b[j][i] = a[i][j] for i < rows and j < columns; the pitches are from row to row. The last squares
   overlap those before them; what is smaller than a square is left to narrower vectors. */
TARGET static void NAME(transpose)(
    ptrdiff_t rows, ptrdiff_t columns, const void *source, ptrdiff_t a_pitch, void *target, ptrdiff_t b_pitch)
{
    const real *a = source;
    real *b = target;
#ifdef NARROWER
    if (rows < LANES || columns < LANES) {
        PASTE(transpose, NARROWER, real)(rows, columns, source, a_pitch, target, b_pitch);
        return;
    }
#endif
    if (rows < LANES || columns < LANES)
        for (ptrdiff_t i = 0; i < rows; i++)
            for (ptrdiff_t j = 0; j < columns; j++) b[j * b_pitch + i] = a[i * a_pitch + j];
    else
        for (ptrdiff_t i = 0; i < rows; i += LANES)
            for (ptrdiff_t j = 0; j < columns; j += LANES) {
                ptrdiff_t r = i + LANES <= rows ? i : rows - LANES, c = j + LANES <= columns ? j : columns - LANES;
                NAME(square)(a + r * a_pitch + c, a_pitch, b + c * b_pitch + r, b_pitch);
            }
}
