/* The search for candidates: find_edges (candidates.py). */

#pragma once
#include "model.h"

typedef struct {
    float base;
    uint32_t end;
    int32_t unit, pair;
    uint8_t family;
} Edge;

typedef struct {
    uint32_t word;
    int32_t unit;
} Token;

typedef struct {
    Array ids, protected, sentences;  /* the text */
    Array slots, slot_ranges, ranges; /* the channel */
    Array pair_unit, pair_weight, pair_family, unit_prior, word_unit, rare_share;
    int vocabulary, longest;
    Pool tokens, first, edges; /* found */
} Search;

/* The pairs of a phrase; ``known`` is 0 if it is none. */
static Error find_span(const Search *search, uint64_t hash, int *known, size_t *low, size_t *high)
{
    const uint64_t *slots = AT(search->slots, uint64_t);
    size_t size = search->slots.size; /* a power of two; the search begins at the hash's high bits */
    size_t at = (size_t)(hash / (UINT64_MAX / size + 1)), left = size;

    *known = 0;
    while (slots[at] && slots[at] != hash && --left) at = (at + 1) & (size - 1);
    if (slots[at] != hash || !hash) return NULL;
    size_t range = AT(search->slot_ranges, uint32_t)[at];
    if (range + 1 >= search->ranges.size) return BAD_UNIT;
    *known = 1;
    *low = AT(search->ranges, uint32_t)[range];
    *high = AT(search->ranges, uint32_t)[range + 1];
    return *low <= *high && *high <= search->pair_unit.size ? NULL : BAD_UNIT;
}

static Error add_edge(Search *search, float base, size_t end, int32_t unit, int32_t pair, uint8_t family)
{
    Edge *edge = search->edges.used < INT32_MAX ? push(&search->edges, sizeof(Edge)) : NULL;
    if (!edge) return NO_MEMORY;
    *edge = (Edge){base, (uint32_t)end, unit, pair, family};
    return NULL;
}

/* Every reading of every phrase that begins at a token. */
static Error search_token(Search *search, size_t start, size_t stop)
{
    const uint32_t *ids = AT(search->ids, uint32_t), *units = AT(search->pair_unit, uint32_t);
    size_t keep = search->edges.used, low, high;
    uint32_t *first = push(&search->first, sizeof *first);
    uint64_t hash = 0;
    int known;

    if (!first) return NO_MEMORY;
    *first = (uint32_t)keep;
    TRY(add_edge(search, 0.0f, start + 1, KEEP, KEEP, 0));
    if (stop - start > (size_t)search->longest) stop = start + (size_t)search->longest;
    for (size_t at = start; at < stop && !AT(search->protected, uint8_t)[at]; at++) {
        hash = extend_hash(hash, ids[at]);
        TRY(find_span(search, hash, &known, &low, &high));
        if (!known) break;
        for (size_t pair = low; pair < high; pair++) {
            if (units[pair] >= search->unit_prior.size) return BAD_UNIT;
            double base = (double)AT(search->pair_weight, float)[pair] + AT(search->unit_prior, float)[units[pair]];
            TRY(add_edge(search, (float)base, at + 1, (int32_t)units[pair], (int32_t)pair, AT(search->pair_family, uint8_t)[pair]));
        }
    }
    if (ids[start] >= (uint32_t)search->vocabulary && search->edges.used > keep + 1) {
        size_t rare = ids[start] - (uint32_t)search->vocabulary;
        if (rare >= search->rare_share.size) return BAD_WORD;
        ((Edge *)search->edges.data)[keep].base = AT(search->rare_share, float)[rare];
    }
    return NULL;
}

static Error search_text(Search *search)
{
    const uint32_t *ids = AT(search->ids, uint32_t), *range = AT(search->sentences, uint32_t);
    size_t size = search->ids.size, slots = search->slots.size, pairs = search->pair_unit.size;

    if (search->vocabulary < 0 || search->longest < 1 || search->protected.size != size || size >= UINT32_MAX) return BAD_SENTENCE;
    if (slots < 2 || slots & (slots - 1) || search->slot_ranges.size != slots || search->sentences.size % 2) return BAD_UNIT;
    if (search->pair_weight.size != pairs || search->pair_family.size != pairs || pairs > INT32_MAX) return BAD_UNIT;
    for (size_t n = 0; n < size; n++) {
        Token *token = push(&search->tokens, sizeof(Token));
        if (!token) return NO_MEMORY;
        if (ids[n] >= search->word_unit.size) return BAD_WORD;
        token->word = ids[n] < (uint32_t)search->vocabulary ? ids[n] : UNKNOWN;
        token->unit = AT(search->protected, uint8_t)[n] ? KEEP : AT(search->word_unit, int32_t)[ids[n]];
    }
    for (size_t n = 0; n < search->sentences.size; n += 2) {
        if (range[n + 1] > size) return BAD_SENTENCE;
        for (size_t at = range[n]; at < range[n + 1]; at++) TRY(search_token(search, at, range[n + 1]));
    }
    uint32_t *last = push(&search->first, sizeof *last);
    if (!last) return NO_MEMORY;
    *last = (uint32_t)search->edges.used;
    return NULL;
}

static PyObject *find_edges(PyObject *module, PyObject *args)
{
    Held held = {.count = 0};
    Search s = {.vocabulary = 0};
    PyObject *result = NULL;
    Error error;

    if (take(&held, args, "IBIQIIIfBfif##", &s.ids, &s.protected, &s.sentences, &s.slots, &s.slot_ranges, &s.ranges,
             &s.pair_unit, &s.pair_weight, &s.pair_family, &s.unit_prior, &s.word_unit, &s.rare_share, &s.vocabulary,
             &s.longest)) {
        Py_BEGIN_ALLOW_THREADS
        error = search_text(&s);
        Py_END_ALLOW_THREADS
        if (raise(error) == 0)
            result = Py_BuildValue("(NNNNNNNN)", COLUMN(s.tokens, Token, word), COLUMN(s.tokens, Token, unit),
                                   column(&s.first, 4, 0, 4), COLUMN(s.edges, Edge, end), COLUMN(s.edges, Edge, unit),
                                   COLUMN(s.edges, Edge, pair), COLUMN(s.edges, Edge, family), COLUMN(s.edges, Edge, base));
    }
    free(s.tokens.data);
    free(s.first.data);
    free(s.edges.data);
    release(&held);
    return result;
}
