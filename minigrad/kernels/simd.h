/* The templates of the kernels for each instruction set and element type, and the choice at run time.

   One build runs on every machine: the code for wider vectors is compiled beside the compiler's
   baseline, and entered only where the processor and the operating system have them. */

#ifndef MINIGRAD_SIMD_H
#define MINIGRAD_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __GNUC__
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#else
#define ALWAYS_INLINE static inline
#define UNROLL
#endif

#define PASTE3(stem, isa, type) stem##_##isa##_##type
#define PASTE(stem, isa, type) PASTE3(stem, isa, type)
#define NAME(stem) PASTE(stem, ISA, real)
#define VECTOR(pointer) (*(NAME(vector) *)(pointer))
#define LANES ((int)(sizeof(NAME(vector)) / sizeof(real)))

enum { MAX_ROWS = 14, MAX_COLUMNS = 4, MAX_BYTES = 64 }; /* of a block, and of a vector */

/* The sums and the columns of b, and a number of a, broadcast, fit into the vector registers. */
#define FITS(rows, columns, registers) (((rows) + 1) * (columns) < (registers))

#define STORE_ARGUMENTS(type) \
    const type *start,      /* what the sums of each row start with; NULL: what is in out */ \
    type *out, ptrdiff_t pitch, const ptrdiff_t *to
#define BLOCK_ARGUMENTS(type) \
    ptrdiff_t n, const type *a, const type *b, const ptrdiff_t *column, const ptrdiff_t *step, \
    STORE_ARGUMENTS(type)
#define BY_ROWS_ARGUMENTS(type) \
    ptrdiff_t n, const type *a, const ptrdiff_t *row, const ptrdiff_t *step, const type *b, \
    STORE_ARGUMENTS(type)

#define GATHER_ARGUMENTS \
    ptrdiff_t n, const void *b, const void *end, const ptrdiff_t *step, \
    int runs, const ptrdiff_t *from, const ptrdiff_t *to, void *memory, ptrdiff_t width
#define COPY_ARGUMENTS \
    ptrdiff_t n, ptrdiff_t rows, const void *b, const ptrdiff_t *step, ptrdiff_t pitch, void *memory
#define TRANSPOSE_ARGUMENTS \
    ptrdiff_t rows, ptrdiff_t columns, const void *source, ptrdiff_t a_pitch, \
    void *target, ptrdiff_t b_pitch

typedef struct {
    ptrdiff_t outputs;
    ptrdiff_t step;         /* from one position of a window to the next */
    const ptrdiff_t *start; /* [outputs] the window's first position inside x */
    const ptrdiff_t *count; /* [outputs] how many of its positions are inside x */
} pool_axis;

typedef struct {
    pool_axis axis[3];
    ptrdiff_t size;         /* of a plane of x */
    ptrdiff_t first, whole; /* which windows of a row are complete: whole ones from the first */
    ptrdiff_t taps, stride; /* of these, in a row */
} pooling;

#define POOL_ARGUMENTS const pooling *p, const void *plane, void *pooled, int32_t *index

typedef struct { /* for arrays of one element type */
    int lanes, registers; /* numbers in a vector, registers that hold one */
    void (*block)(int rows, int columns, BLOCK_ARGUMENTS(void));
    void (*block_pairs)(int rows, int columns, BLOCK_ARGUMENTS(void));
    void (*block_by_rows)(int rows, int columns, BY_ROWS_ARGUMENTS(void));
    void (*gather)(GATHER_ARGUMENTS);
    void (*copy)(COPY_ARGUMENTS);
    void (*transpose)(TRANSPOSE_ARGUMENTS);
    void (*pool)(POOL_ARGUMENTS);
} kernels;

typedef struct {
    const char *name;
    double (*multiply_adds)(ptrdiff_t n);
    kernels of_float, of_double;
} instruction_set;

#define KERNELS(isa, type) \
    {sizeof(vector_##isa##_##type) / sizeof(type), REGISTERS, block_##isa##_##type, \
     block_pairs_##isa##_##type, block_by_rows_##isa##_##type, gather_##isa##_##type, copy_##isa##_##type, \
     transpose_##isa##_##type, pool_##isa##_##type}

#define DEFINE_INSTRUCTION_SET(isa) \
    static const instruction_set isa##_instructions = { \
        #isa, multiply_adds_##isa##_float, KERNELS(isa, float), KERNELS(isa, double)};

#define ISA baseline
#define TARGET
#define BYTES 16
#define REGISTERS 14 /* of 16: without fused multiply-add, products need room too */
#include "templates.h"
DEFINE_INSTRUCTION_SET(baseline)

#if defined(__GNUC__) && defined(__x86_64__)
#undef ISA
#undef TARGET
#undef BYTES
#undef REGISTERS
#define ISA avx2
#define NARROWER baseline
#define TARGET __attribute__((target("avx2,fma")))
#define BYTES 32
#define REGISTERS 16
#include "templates.h"
DEFINE_INSTRUCTION_SET(avx2)

#undef ISA
#undef NARROWER
#undef TARGET
#undef BYTES
#undef REGISTERS
#define ISA avx512
#define NARROWER avx2
#define TARGET __attribute__((target("avx512f,avx2,fma")))
#define BYTES 64
#define REGISTERS 32
#include "templates.h"
DEFINE_INSTRUCTION_SET(avx512)

#define HAS_AVX2 (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#define HAS_AVX512 (HAS_AVX2 && __builtin_cpu_supports("avx512f"))
#endif

/* The instruction set of that name, or with "" the best one; NULL where this machine lacks it. */
static inline const instruction_set *find_instruction_set(const char *name)
{
#ifdef HAS_AVX512
    if (HAS_AVX512 && (!*name || !strcmp(name, "avx512")))
        return &avx512_instructions;
    if (HAS_AVX2 && (!*name || !strcmp(name, "avx2")))
        return &avx2_instructions;
#endif
    return !*name || !strcmp(name, "baseline") ? &baseline_instructions : NULL;
}

#endif
