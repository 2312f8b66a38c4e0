/* The templates of the kernels for each instruction set and element type, and the choice at run time.

   One build runs on every machine: the code for wider vectors is compiled beside the compiler's
   baseline, and entered only where the processor and the operating system have them. */

#pragma once

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __GNUC__
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#define PREFETCH(pointer) __builtin_prefetch(pointer, 0, 2) /* into the second cache */
#if defined(__x86_64__)
#define KEEP(v) __asm__("" : "+v"(v)) /* in its register, though GCC would load it again for each use */
#else
#define KEEP(v) ((void)0)
#endif
#else
#define KEEP(v) ((void)0)
#define ALWAYS_INLINE static inline
#define UNROLL
#define PREFETCH(pointer) ((void)0)
#endif

#define PASTE3(stem, isa, type) stem##_##isa##_##type
#define PASTE(stem, isa, type) PASTE3(stem, isa, type)
#define NAME(stem) PASTE(stem, ISA, real)
#define VECTOR(pointer) (*(NAME(vector) *)(pointer))
#define LANES ((int)(sizeof(NAME(vector)) / sizeof(real)))

/* A new vector of the numbers l (of x) and LANES + l (of y), for each l of a list. */
#if defined(__clang__) || defined(__GNUC__) && __GNUC__ >= 12
#define SHUFFLE(x, y, list) __builtin_shufflevector(x, y, EACH(list))
#elif defined(__GNUC__)
#define SHUFFLE(x, y, list) __builtin_shuffle(x, y, (NAME(mask)){EACH(list)})
#else
#define SHUFFLE(x, y, list) (x)
#endif
#define FIRST_HALVES(l) (l) / 2 + (l) % 2 * LANES /* of x and y: x[0], y[0], x[1], y[1], ... */
#define SECOND_HALVES(l) LANES / 2 + FIRST_HALVES(l)
#define EVEN(l) 2 * (l) + ((l) >= LANES / 2) /* where y begins with the last number of x */
#define LANE(l) l
#define EACH1(list) list(0)
#define EACH2(list) EACH1(list), list(1)
#define EACH4(list) EACH2(list), list(2), list(3)
#define EACH8(list) EACH4(list), list(4), list(5), list(6), list(7)
#define EACH16(list) EACH8(list), list(8), list(9), list(10), list(11), list(12), list(13), list(14), list(15)

/* A vector without its first numbers, which become 0. */
#ifdef __GNUC__
#define BEHIND(first, v) (NAME(vector))((NAME(mask))(v) & ((NAME(mask)){EACH(LANE)} >= (integer)(first)))
#else
#define BEHIND(first, v) ((first) ? 0 : (v))
#endif

enum { MAX_ROWS = 14, MAX_COLUMNS = 4, MAX_ALONE = 12, MAX_BYTES = 64 }; /* of a block, of its only row, of a vector */

/* The sums and the columns of b, and a number of a, broadcast, fit into the vector registers. */
#define FITS(rows, columns, registers) (((rows) + 1) * (columns) < (registers))

enum { NUMBERS, PAIRS, BY_ROWS }; /* the kinds of blocks, see block.h */
#define BLOCK_ARGUMENTS(type) \
    ptrdiff_t n, const type *a, const type *b, const ptrdiff_t *place, const ptrdiff_t *step, \
    const type *start, type *out, ptrdiff_t pitch, const ptrdiff_t *to
typedef void block_function(int rows, int columns, BLOCK_ARGUMENTS(void));

typedef struct {
    ptrdiff_t outputs;
    ptrdiff_t step;         /* from one position of a window to the next */
    const ptrdiff_t *start; /* [outputs] the window's first position inside x */
    const ptrdiff_t *count; /* [outputs] how many of its positions are inside x */
} pool_axis;

typedef struct {
    pool_axis axis[3];
    ptrdiff_t first, whole; /* which windows of a row are complete: whole ones from the first */
    ptrdiff_t taps, stride; /* of these, in a row */
} pooling;

typedef struct {
    ptrdiff_t next;        /* from a square to the next */
    ptrdiff_t row, column; /* and inside of it */
} squares;
typedef void side_function(ptrdiff_t count, ptrdiff_t width, const void *source, squares from, void *target, squares to);

typedef struct { /* of a depthwise convolution */
    ptrdiff_t rows, columns; /* of y */
    ptrdiff_t pitch, stride; /* from row to row of x, and how many rows of x from row to row of y */
    ptrdiff_t kernel_rows, kernel_columns;
    ptrdiff_t row_step;      /* rows of x from row to row of the kernel: the dilation */
    const ptrdiff_t *tap;    /* [kernel_columns] where in a row of x each column of the kernel begins */
} planes;

typedef struct { /* of SGD, see elementwise.pyx */
    double lr, momentum, weight_decay;
    double scale, sign; /* of the gradient: in the average, and against weight decay */
    int nesterov;
} sgd_rule;

typedef struct { /* for arrays of one element type */
    int lanes, registers; /* numbers in a vector, registers that hold one */
    block_function *block, *block_pairs, *block_by_rows;
    void (*copy)(ptrdiff_t n, ptrdiff_t rows, const void *b, const ptrdiff_t *step, const ptrdiff_t *skip,
                 ptrdiff_t pitch, void *memory);
    void (*copy_rows)(ptrdiff_t rows, ptrdiff_t columns, const void *source, ptrdiff_t a_pitch, ptrdiff_t a_step,
                      void *target, ptrdiff_t b_pitch);
    void (*transpose)(ptrdiff_t rows, ptrdiff_t columns, const void *source, ptrdiff_t a_pitch,
                      void *target, ptrdiff_t b_pitch);
    void (*pool)(const pooling *p, const void *plane, ptrdiff_t size, void *pooled, int32_t *index, ptrdiff_t left);
    void (*plane)(const planes *p, const void *weights, const void *plane, const void *bias, void *result);
    void (*plane_weights)(const planes *p, const void *plane, const void *slopes, void *result);
    side_function *image_side, *weight_side, *result_side, *result_side_back, *weight_side_back;
    int (*finite)(ptrdiff_t size, const void *numbers);
    void (*relu)(ptrdiff_t n, const void *x, void *y);
    void (*relu_grad)(ptrdiff_t n, const void *g, const void *y, void *dx);
    void (*sgd)(ptrdiff_t n, const sgd_rule *rule, void *p, const void *g, void *v);
} kernels;

typedef struct {
    const char *name;
    double (*multiply_adds)(ptrdiff_t n);
    kernels of_float, of_double;
} instruction_set;

#define STRING(text) #text
#define KERNELS(isa, type) \
    {sizeof(PASTE(vector, isa, type)) / sizeof(type), REGISTERS, \
     PASTE(block, isa, type), PASTE(block_pairs, isa, type), PASTE(block_by_rows, isa, type), \
     PASTE(copy, isa, type), PASTE(copy_rows, isa, type), PASTE(transpose, isa, type), PASTE(pool, isa, type), \
     PASTE(plane, isa, type), PASTE(plane_weights, isa, type), \
     PASTE(image_side, isa, type), PASTE(weight_side, isa, type), PASTE(result_side, isa, type), \
     PASTE(result_side_back, isa, type), PASTE(weight_side_back, isa, type), PASTE(finite, isa, type), \
     PASTE(relu, isa, type), PASTE(relu_grad, isa, type), PASTE(sgd, isa, type)}
#define INSTRUCTIONS(isa) {STRING(isa), PASTE(multiply_adds, isa, float), KERNELS(isa, float), KERNELS(isa, double)}

#define ISA baseline
#define TARGET
#define BYTES 16
#define EACH_FLOAT EACH4
#define EACH_DOUBLE EACH2
#define REGISTERS 14 /* of 16: without fused multiply-add, products need room too */
#include "templates.h"

#if defined(__GNUC__) && defined(__x86_64__)
#define ISA avx2
#define NARROWER baseline
#define TARGET __attribute__((target("avx2,fma")))
#define BYTES 32
#define EACH_FLOAT EACH8
#define EACH_DOUBLE EACH4
#define REGISTERS 16
#include "templates.h"

#define ISA avx512
#define NARROWER avx2
#define TARGET __attribute__((target("avx512f,avx2,fma")))
#define BYTES 64
#define EACH_FLOAT EACH16
#define EACH_DOUBLE EACH8
#define REGISTERS 32
#include "templates.h"

#define HAS_AVX2 (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#define HAS_AVX512 (HAS_AVX2 && __builtin_cpu_supports("avx512f"))
#endif

/* The instruction set of that name, or with "" the best one; NULL where this machine lacks it. */
static inline const instruction_set *find_instruction_set(const char *name)
{
#ifdef HAS_AVX512
    if (HAS_AVX512 && (!*name || !strcmp(name, "avx512")))
        return &instructions_of_avx512;
    if (HAS_AVX2 && (!*name || !strcmp(name, "avx2")))
        return &instructions_of_avx2;
#endif
    return !*name || !strcmp(name, "baseline") ? &instructions_of_baseline : NULL;
}
