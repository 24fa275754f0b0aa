/* Memory of a model and of its unfinished answers. */
#define _GNU_SOURCE
#include "model.h"

#include "state.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LARGE ((size_t)2 << 20)

void *pages(size_t bytes, int large) {
    if (!bytes) bytes = 1;
    if (!large) {
        void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return at == MAP_FAILED ? NULL : at;
    }
    uint8_t *at = mmap(NULL, bytes + LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return NULL;
    uint8_t *begin = (uint8_t *)(((uintptr_t)at + LARGE - 1) & ~(uintptr_t)(LARGE - 1));
    if (begin > at) munmap(at, (size_t)(begin - at));
    munmap(begin + bytes, (size_t)(at + LARGE - begin));
    madvise(begin, bytes, MADV_HUGEPAGE);
    return begin;
}

void pages_free(void *at, size_t bytes) {
    if (at) munmap(at, bytes ? bytes : 1);
}

const char *falaj_class(void) { return falaj_kernels.name; }

static size_t up(size_t count, size_t to) { return (count + to - 1) / to * to; }

Model *falaj_open(const Shape *shape) {
#if defined(__x86_64__)
    /* The kernel lets a process use tiles once it has asked: ARCH_REQ_XCOMP_PERM for XTILEDATA. */
    if (!strcmp(falaj_kernels.name, "amx") && syscall(SYS_arch_prctl, 0x1023, 18)) return NULL;
#endif
    Model *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->shape = *shape;
    m->counts[ENCODER] = shape->encoder_layers;
    m->counts[DECODER] = shape->decoder_layers;
    m->counts[ENDS] = 2;
    m->stride = (int)up((size_t)shape->width, DEPTH);
    m->longest16 = (int)room16(shape->longest);
    m->arena_bytes = up((size_t)shape->bytes, LARGE);
    m->arena = pages(m->arena_bytes, 1);
    int whole = m->arena != NULL;
    for (int side = 0; side < 3; side++) whole &= (m->layers[side] = calloc((size_t)m->counts[side], sizeof(Layer))) != NULL;
    whole &= (m->slots = calloc((size_t)shape->slots, sizeof(Slot))) != NULL;
    whole &= (m->texts = calloc((size_t)shape->slots, sizeof(Text))) != NULL;
    whole = whole && (m->team = team_start(shape->threads)) != NULL;
    if (whole) return m;
    falaj_close(m);
    return NULL;
}

static Layer *layer_of(Model *m, int side, int layer) { return side < 0 || side > ENDS || layer < 0 || layer >= m->counts[side] ? NULL : &m->layers[side][layer]; }

static void *taken(Model *m, size_t bytes) {
    bytes = up(bytes, 64);
    if (m->arena_used + bytes > m->arena_bytes) return NULL;
    void *at = m->arena + m->arena_used;
    m->arena_used += bytes;
    return at;
}

int falaj_layer(Model *m, int side, int layer, int heads, int cross_heads, int inner) {
    Layer *it = layer_of(m, side, layer);
    if (!it) return -1;
    it->heads = heads;
    it->cross_heads = cross_heads;
    it->inner = inner;
    return 0;
}

/* A packing in progress: panels are shared out among the threads. */
typedef struct {
    Linear *linear;
    const void *values;
    const float *scales;
    const int32_t *order;
} Packing;

static void pack(void *given, int member, Team *team) {
    (void)member;
    const Packing *p = given;
    const Linear *l = p->linear;
    const uint8_t flip = falaj_kernels.stored_off ? 0 : ZERO;
    EACH(panel, l->outputs / 16) {
        for (int i = 0; i < 16; i++) {
            const int32_t from = p->order[panel * 16 + i];
            if (from < 0) continue; /* The memory is zero: whatever it stands for, its scale is zero as well. */
            if (!l->whole) {
                const float *row = (const float *)p->values + (size_t)from * (size_t)l->inputs;
                float *to = (float *)l->data + (size_t)panel * (size_t)l->inputs * 16 + i;
                for (int k = 0; k < l->inputs; k++) to[(size_t)k * 16] = row[k];
                continue;
            }
            const uint8_t *row = (const uint8_t *)p->values + (size_t)from * (size_t)l->inputs;
            uint8_t *to = (uint8_t *)l->data + (size_t)panel * (size_t)l->depth * 16 + i * 4;
            for (int k = 0; k < l->inputs; k++) to[(size_t)(k / 4) * 64 + (size_t)(k % 4)] = row[k] ^ flip;
            for (int group = 0; group < l->groups; group++)
                l->scales[((size_t)panel * (size_t)l->groups + (size_t)group) * 16 + (size_t)i] = p->scales[(size_t)from * (size_t)l->groups + (size_t)group];
        }
    }
}

int falaj_linear(Model *m, int side, int layer, int which, const void *values, const float *scales, int outputs, int inputs, const int32_t *order, int places) {
    Layer *it = layer_of(m, side, layer);
    const int whole = m->shape.whole, group = whole ? m->shape.group : 0;
    if (!it || which < 0 || which >= LINEARS || places % 16 || inputs < 1 || (group && inputs % group)) return -1;
    for (int i = 0; i < places; i++)
        if (order[i] >= outputs) return -1;
    Linear *l = &it->linears[which];
    *l = (Linear){.outputs = places, .real = outputs, .inputs = inputs, .depth = (int)up((size_t)inputs, DEPTH), .group = group, .groups = group ? inputs / group : 1, .whole = whole};
    l->data = taken(m, whole ? (size_t)places * (size_t)l->depth : (size_t)places * (size_t)inputs * sizeof(float));
    if (whole) l->scales = taken(m, (size_t)places * (size_t)l->groups * sizeof(float));
    if (!l->data || (whole && !l->scales)) return -1;
    team_run(m->team, pack, &(Packing){l, values, scales, order});
    return 0;
}

int falaj_vector(Model *m, int side, int layer, int which, const float *values, int count) {
    Layer *it = layer_of(m, side, layer);
    if (!it || which < OWN_NORM || which > BIAS) return -1;
    /* Norms are read as far as rows go. */
    float *at = taken(m, up((size_t)count, DEPTH) * sizeof(float));
    if (!at) return -1;
    memcpy(at, values, (size_t)count * sizeof(float));
    it->vectors[which - OWN_NORM] = at;
    return 0;
}

int falaj_embeddings(Model *m, const void *values, int halves) {
    m->embeddings = values;
    m->halves = halves;
    return 0;
}

static int most(int a, int b) { return a > b ? a : b; }

int falaj_ready(Model *m) {
    const Shape *s = &m->shape;
    m->groups = 1;
    int64_t own = 0, cross = 0;
    m->wide = m->stride;
    for (int side = ENCODER; side <= DECODER; side++) {
        own = cross = 0;
        for (int i = 0; i < m->counts[side]; i++) {
            Layer *it = &m->layers[side][i];
            it->own_before = own;
            it->cross_before = cross;
            own += it->heads;
            cross += it->cross_heads;
            m->wide = most(m->wide, (int)up((size_t)most(it->inner, most(it->heads, it->cross_heads) * s->head_width), DEPTH));
            for (int which = 0; which < LINEARS; which++) m->groups = most(m->groups, it->linears[which].groups);
        }
    }
    m->groups = most(m->groups, m->layers[ENDS][0].linears[OWN].groups);
    m->rows = most(most(TOKENS_AT_ONCE, s->input_tokens), s->slots);
    const size_t rows = room16(m->rows);
    m->number = s->whole ? 2 : 4;
    m->own_size = (size_t)own * 2 * head_bytes(m, m->longest16);
    m->cross_size = (size_t)cross * 2 * head_bytes(m, s->input_tokens);
    const size_t text = (size_t)relate_room(s->input_tokens, s->head_width);
    m->room_floats = rows * 3 * (size_t)s->head_width + (text > (size_t)m->longest16 ? text : (size_t)m->longest16) + 64;
    const size_t threads = (size_t)s->threads;
    int whole = 1;
    whole &= (m->hidden = pages(rows * (size_t)m->stride * 4, 1)) != NULL;
    whole &= (m->seen = pages(rows * (size_t)m->wide * 4, 1)) != NULL;
    whole &= (m->plain = pages(rows * (size_t)m->wide * 4, 1)) != NULL;
    whole &= (m->whole = pages(rows * (size_t)m->wide, 1)) != NULL;
    whole &= (m->scale = pages(rows * (size_t)m->groups * 4, 0)) != NULL;
    whole &= (m->shift = pages(rows * (size_t)m->groups * 4, 0)) != NULL;
    whole &= (m->best = pages(threads * rows * 4, 0)) != NULL;
    whole &= (m->which = pages(threads * rows * 4, 0)) != NULL;
    whole &= (m->own = pages(m->own_size * (size_t)s->slots, 0)) != NULL;
    whole &= (m->cross = pages(m->cross_size * (size_t)s->slots, 0)) != NULL;
    whole &= (m->room = calloc(threads, sizeof(float *))) != NULL;
    for (size_t i = 0; whole && i < threads; i++) whole &= (m->room[i] = pages(m->room_floats * 4, 1)) != NULL;
    return whole ? 0 : -1;
}

static int spare(const Model *m, int texts) {
    for (int i = 0; i < m->shape.slots; i++)
        if (texts ? !m->texts[i].holders : !m->slots[i].used) return i;
    return -1;
}

int falaj_admit(Model *m, int texts, const int32_t *tokens, const int32_t *lengths, int32_t *slots) {
    int used = 0;
    for (int i = 0; i < m->shape.slots; i++) used += m->slots[i].used;
    if (used + texts > m->shape.slots) return -1;
    int32_t held[texts ? texts : 1];
    for (int i = 0; i < texts; i++) {
        const int slot = spare(m, 0), text = spare(m, 1);
        m->texts[text] = (Text){1, lengths[i]};
        m->slots[slot] = (Slot){1, text, 0};
        slots[i] = slot;
        held[i] = text;
    }
    for (int first = 0; first < texts;) {
        int last = first, rows = 0;
        while (last < texts && (last == first || rows + lengths[last] <= TOKENS_AT_ONCE)) rows += lengths[last++];
        Job job = {.model = m, .rows = rows, .texts = last - first, .tokens = tokens, .lengths = lengths + first, .held = held + first};
        team_run(m->team, falaj_encode, &job);
        tokens += rows;
        first = last;
    }
    return 0;
}

int falaj_step(Model *m, int rows, const int32_t *slots, const int32_t *tokens, float *logits, int32_t *likeliest) {
    for (int i = 0; i < rows; i++)
        if (m->slots[slots[i]].position >= m->shape.longest) return -1;
    if (!rows) return 0;
    Job job = {.model = m, .rows = rows, .tokens = tokens, .held = slots, .logits = logits, .likeliest = likeliest};
    team_run(m->team, falaj_decode, &job);
    for (int i = 0; i < rows; i++) m->slots[slots[i]].position++;
    return 0;
}

int falaj_fork(Model *m, int slot) {
    const int to = spare(m, 0);
    if (to < 0) return -1;
    m->slots[to] = m->slots[slot];
    m->texts[m->slots[to].text].holders++;
    /* Keys stand in panels of 16 places: those that are begun are copied whole. */
    const size_t head = head_bytes(m, m->longest16), used = head_bytes(m, m->slots[to].position);
    for (int i = 0; i < m->counts[DECODER]; i++) {
        const Layer *layer = &m->layers[DECODER][i];
        const uint8_t *from = own_keys(m, slot, layer);
        uint8_t *at = own_keys(m, to, layer);
        for (int part = 0; part < 2 * layer->heads; part++) memcpy(at + (size_t)part * head, from + (size_t)part * head, used);
    }
    return to;
}

void falaj_free(Model *m, int slot) {
    m->slots[slot].used = 0;
    m->texts[m->slots[slot].text].holders--;
}

void falaj_close(Model *m) {
    if (m->team) team_stop(m->team);
    const size_t rows = room16(m->rows), threads = (size_t)m->shape.threads;
    if (m->room)
        for (size_t i = 0; i < threads; i++) pages_free(m->room[i], m->room_floats * 4);
    pages_free(m->arena, m->arena_bytes);
    pages_free(m->hidden, rows * (size_t)m->stride * 4);
    pages_free(m->seen, rows * (size_t)m->wide * 4);
    pages_free(m->plain, rows * (size_t)m->wide * 4);
    pages_free(m->whole, rows * (size_t)m->wide);
    pages_free(m->scale, rows * (size_t)m->groups * 4);
    pages_free(m->shift, rows * (size_t)m->groups * 4);
    pages_free(m->best, threads * rows * 4);
    pages_free(m->which, threads * rows * 4);
    pages_free(m->own, m->own_size * (size_t)m->shape.slots);
    pages_free(m->cross, m->cross_size * (size_t)m->shape.slots);
    free(m->room);
    for (int side = 0; side < 3; side++) free(m->layers[side]);
    free(m->slots);
    free(m->texts);
    free(m);
}
