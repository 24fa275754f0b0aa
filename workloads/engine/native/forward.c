/* The two ways through the model: texts through the encoder, and one token more of each unfinished answer through the decoder.
 * Every thread walks through all phases; items of a phase are taken by whoever is free. An attention head is one item from its product to what it
 * saw, so that its queries, keys and values never leave the cache of the core that made them. */
#include "state.h"

#include <math.h>
#include <string.h>

static const Kernels *const k = &falaj_kernels;

/* Panels of a product that one item takes: a few items for each thread, in whole fours. */
static int chunk_of(const Linear *linear, int threads) {
    const int fair = linear->outputs / 16 / (threads * 8) / 4 * 4;
    return fair < 4 ? 4 : fair > 64 ? 64 : fair;
}

static Rows rows_of(const Model *m, int stride) { return (Rows){m->plain, stride, m->whole, m->scale, m->shift}; }

static void product(Model *m, Team *team, const Linear *linear, int rows, int stride, const Output *output) {
    const Rows given = rows_of(m, stride);
    const int chunk = chunk_of(linear, team_size(team)), panels = linear->outputs / 16;
    EACH(item, (panels + chunk - 1) / chunk) {
        const int first = item * chunk, last = first + chunk < panels ? first + chunk : panels;
        k->multiply(linear, &given, rows, first, last, output);
    }
}

/* What the next linear reads of one row. */
static void give(Model *m, int row, const float *values, const Linear *next, int stride) {
    if (!next->whole) {
        float *to = m->plain + (size_t)row * (size_t)stride;
        if (to != values) memcpy(to, values, (size_t)next->inputs * sizeof(float));
        return;
    }
    int8_t *at = m->whole + (size_t)(row / 16) * (size_t)(next->depth / DEPTH) * BLOCK + row % 16 * DEPTH;
    k->quantise(values, next->inputs, next->depth, next->group, at, m->scale + (size_t)row * (size_t)next->groups, m->shift + (size_t)row * (size_t)next->groups);
}

static void normed(Model *m, int row, const float *weight, const Linear *next) {
    float *to = m->plain + (size_t)row * (size_t)m->stride;
    k->norm(m->hidden + (size_t)row * (size_t)m->stride, weight, m->shape.epsilon, m->shape.width, m->stride, to);
    give(m, row, to, next, m->stride);
}

#define FEW 16
/* Rows that one item of row-wise work takes at most: a block of the 8-bit layout. */
static int share(int rows, int threads) {
    const int fair = (rows + threads - 1) / threads;
    return fair < FEW ? (fair < 1 ? 1 : fair) : FEW;
}

#define EACH_ROW(row, rows)                                                                                  \
    EACH(item_, ((rows) + share(rows, team_size(team)) - 1) / share(rows, team_size(team)))                  \
    for (int row = item_ * share(rows, team_size(team)), end_ = row + share(rows, team_size(team)) < (rows) ? row + share(rows, team_size(team)) : (rows); row < end_; row++)

static void norms(Model *m, Team *team, int rows, const float *weight, const Linear *next) {
    EACH_ROW(row, rows) normed(m, row, weight, next);
    team_meet(team);
}

/* `seen`, as the next linear reads it. */
static void gives(Model *m, Team *team, int rows, const Linear *next, int stride) {
    EACH_ROW(row, rows) give(m, row, m->seen + (size_t)row * (size_t)stride, next, stride);
    team_meet(team);
}

static void begin(Model *m, Team *team, int rows, const int32_t *tokens, const float *weight, const Linear *next) {
    const size_t width = (size_t)m->shape.width;
    EACH_ROW(row, rows) {
        float *to = m->hidden + (size_t)row * (size_t)m->stride;
        memset(to + width, 0, ((size_t)m->stride - width) * sizeof(float));
        if (m->halves) k->widen((const uint16_t *)m->embeddings + (size_t)tokens[row] * width, (int)width, to);
        else memcpy(to, (const float *)m->embeddings + (size_t)tokens[row] * width, width * sizeof(float));
        normed(m, row, weight, next);
    }
    team_meet(team);
}

/* `seen` through a linear, added to what flows. */
static void add(Model *m, Team *team, int rows, const Linear *linear, int stride) {
    gives(m, team, rows, linear, stride);
    product(m, team, linear, rows, stride, &(Output){.kind = ADD, .out = m->hidden, .stride = m->stride});
    team_meet(team);
}

static void feed_forward(Model *m, Team *team, int rows, const Layer *layer) {
    norms(m, team, rows, layer->vectors[INNER_NORM - OWN_NORM], &layer->linears[INNER]);
    const int stride = (layer->inner + DEPTH - 1) / DEPTH * DEPTH;
    product(m, team, &layer->linears[INNER], rows, m->stride, &(Output){.kind = m->shape.gated ? GATE : ACTIVATE, .relu = m->shape.relu, .out = m->seen, .stride = stride});
    team_meet(team);
    add(m, team, rows, &layer->linears[INNER_OUT], stride);
}

/* Query, key and value (or what else stands together) of one head for all rows, into this thread's room. */
static float *head_product(const Model *m, int member, const Linear *linear, int rows, int head, int parts) {
    const int panels = parts * m->shape.head_width / 16, first = head * panels;
    const Rows given = rows_of(m, m->stride);
    k->multiply(linear, &given, rows, first, first + panels, &(Output){.kind = STORE, .out = m->room[member] - first * 16, .stride = panels * 16});
    return m->room[member];
}

void falaj_encode(void *given, int member, Team *team) {
    const Job *job = given;
    Model *m = job->model;
    const int rows = job->rows, width = m->shape.head_width;
    float *spare = m->room[member] + (size_t)rows * 3 * (size_t)width;
    const Layer *layers = m->layers[ENCODER], *decoder = m->layers[DECODER];
    const int count = m->counts[ENCODER];
    begin(m, team, rows, job->tokens, layers[0].vectors[0], &layers[0].linears[OWN]);
    for (int i = 0; i < count; i++) {
        const Layer *layer = &layers[i];
        const int stride = layer->heads * width, line = 2 * m->shape.input_tokens - 1;
        if (i) norms(m, team, rows, layer->vectors[0], &layer->linears[OWN]);
        EACH(head, layer->heads) {
            const float *values = head_product(m, member, &layer->linears[OWN], rows, head, 3);
            const float *bias = layer->vectors[BIAS - OWN_NORM] + (size_t)head * (size_t)line + (m->shape.input_tokens - 1);
            for (int text = 0, row = 0; text < job->texts; row += job->lengths[text++])
                k->relate(values + (size_t)row * 3 * (size_t)width, job->lengths[text], width, bias, spare, m->seen + (size_t)row * (size_t)stride + head * width, stride);
        }
        team_meet(team);
        add(m, team, rows, &layer->linears[OWN_OUT], stride);
        feed_forward(m, team, rows, layer);
    }
    norms(m, team, rows, m->layers[ENDS][0].vectors[0], &decoder[0].linears[CROSS_KV]);
    int items = 0;
    for (int i = 0; i < m->counts[DECODER]; i++) items += decoder[i].cross_heads;
    EACH(item, items) {
        int i = 0, head = item;
        while (head >= decoder[i].cross_heads) head -= decoder[i++].cross_heads;
        const Layer *layer = &decoder[i];
        const float *values = head_product(m, member, &layer->linears[CROSS_KV], rows, head, 2);
        for (int text = 0; text < job->texts; text++) {
            const size_t part = head_bytes(m, job->lengths[text]);
            uint8_t *keys = cross_keys(m, job->held[text], layer) + (size_t)head * part, *other = keys + (size_t)layer->cross_heads * part;
            for (int place = 0; place < job->lengths[text]; place++, values += 2 * width) k->keep(!m->shape.whole, values, values + width, width, place, keys, other);
        }
    }
}

void falaj_decode(void *given, int member, Team *team) {
    const Job *job = given;
    Model *m = job->model;
    const int rows = job->rows, width = m->shape.head_width, longest = m->shape.longest;
    float *scores = m->room[member] + (size_t)rows * 3 * (size_t)width;
    const Layer *layers = m->layers[DECODER];
    begin(m, team, rows, job->tokens, layers[0].vectors[0], &layers[0].linears[OWN]);
    for (int i = 0; i < m->counts[DECODER]; i++) {
        const Layer *layer = &layers[i];
        const size_t part = head_bytes(m, m->longest16);
        if (i) norms(m, team, rows, layer->vectors[0], &layer->linears[OWN]);
        EACH(head, layer->heads) {
            const float *values = head_product(m, member, &layer->linears[OWN], rows, head, 3);
            for (int row = 0; row < rows; row++, values += 3 * width) {
                const int place = m->slots[job->held[row]].position;
                uint8_t *keys = own_keys(m, job->held[row], layer) + (size_t)head * part, *other = keys + (size_t)layer->heads * part;
                k->keep(!m->shape.whole, values + width, values + 2 * width, width, place, keys, other);
                const float *bias = layer->vectors[BIAS - OWN_NORM] + (size_t)head * (size_t)longest + (longest - 1 - place);
                k->attend(!m->shape.whole, values, keys, other, place + 1, width, bias, scores, m->seen + (size_t)row * (size_t)(layer->heads * width) + head * width);
            }
        }
        team_meet(team);
        add(m, team, rows, &layer->linears[OWN_OUT], layer->heads * width);
        norms(m, team, rows, layer->vectors[CROSS_NORM - OWN_NORM], &layer->linears[CROSS]);
        EACH(head, layer->cross_heads) {
            const float *values = head_product(m, member, &layer->linears[CROSS], rows, head, 1);
            for (int row = 0; row < rows; row++, values += width) {
                const int text = m->slots[job->held[row]].text, length = m->texts[text].length;
                const size_t size = head_bytes(m, length);
                const uint8_t *keys = cross_keys(m, text, layer) + (size_t)head * size;
                k->attend(!m->shape.whole, values, keys, keys + (size_t)layer->cross_heads * size, length, width, NULL, scores, m->seen + (size_t)row * (size_t)(layer->cross_heads * width) + head * width);
            }
        }
        team_meet(team);
        add(m, team, rows, &layer->linears[CROSS_OUT], layer->cross_heads * width);
        feed_forward(m, team, rows, layer);
    }
    const Linear *head = &m->layers[ENDS][0].linears[OWN];
    norms(m, team, rows, m->layers[ENDS][1].vectors[0], head);
    float *best = m->best + (size_t)member * room16(m->rows);
    int32_t *which = m->which + (size_t)member * room16(m->rows);
    for (int row = 0; row < rows; row++) {
        best[row] = -INFINITY;
        which[row] = -1;
    }
    if (job->logits) {
        product(m, team, head, rows, m->stride, &(Output){.kind = STORE, .out = job->logits, .stride = head->outputs});
        return;
    }
    product(m, team, head, rows, m->stride, &(Output){.kind = LIKELIEST, .best = best, .which = which});
    team_meet(team);
    if (member) return;
    for (int row = 0; row < rows; row++) {
        float top = -INFINITY;
        job->likeliest[row] = -1;
        for (int i = 0; i < team_size(team); i++) {
            const size_t at = (size_t)i * room16(m->rows) + (size_t)row;
            if (m->which[at] >= 0 && (m->best[at] > top || (m->best[at] == top && m->which[at] < job->likeliest[row]))) {
                top = m->best[at];
                job->likeliest[row] = m->which[at];
            }
        }
    }
}
