/* The kernels of the class of instructions that this library is compiled for; CLASS is its name. */
#include "attention.h"
#include "multiply.h"
#if defined(__AMX_INT8__)
#include "tiles.h"
#define MULTIPLY multiply
#else
#define MULTIPLY vector_multiply
#endif

#define TEXT(a) #a
#define SPELT(a) TEXT(a)

const Kernels falaj_kernels = {
    .name = SPELT(CLASS),
    .stored_off = STORED_OFF,
    .norm = norm,
    .quantise = quantise,
    .multiply = MULTIPLY,
    .attend = attend,
    .relate = relate,
    .keep = keep,
    .widen = widen,
};
