/* The hot loops of restore, compiled: the walk over a text with the language model, and the sums over what it finds.
 *
 * Speed only. Each function here has a twin in Python (restore/lattice.py, decode.py) that says what it does; both take
 * the same floating-point steps in the same order, so their results are equal, ties and node numbers included
 * (tests/test_kernel.py). Whoever changes one changes the other.
 *
 * Rules of the file:
 *   - Inputs are buffers of the caller's (arrays, the memory-mapped model), held while we work and never written to.
 *   - No number read from a buffer is used as an index before it is checked, so that a damaged model or a mistake in Python
 *     ends in a ValueError and never in a bad read.
 *   - The work runs without the interpreter's lock and allocates with malloc alone. A worker returns NULL, or what is wrong.
 *   - Results are bytes objects holding the arrays.
 *
 * Built by setuptools (pyproject.toml); in place, for development:
 *
 *   gcc -O2 -shared -fPIC -I$(python -c 'import sysconfig; print(sysconfig.get_path("include"))') src/restore/_kernel.c \
 *       -o src/restore/_kernel$(python -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))') -lm
 *
 * Checked for bad reads and undefined behaviour with the same command plus -g -fsanitize=address,undefined
 * -fno-sanitize-recover=all, and then (rebuild without it afterwards):
 *
 *   LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" ASAN_OPTIONS=detect_leaks=0 \
 *       python -m pytest tests/test_kernel.py
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A fused multiply-add rounds once where Python rounds twice: it would make results differ between machines. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

/* Raised by one whenever a signature or a meaning changes: restore/kernel.py uses no kernel but its own. */
#define INTERFACE 1

enum { UNKNOWN, START, END, NUMBER }; /* lm.py */
#define KEEP (-1)                     /* candidates.py */
#define END_OF_SENTENCE (-1)          /* lattice.py */
#define HASH_MULTIPLIER 0x9E3779B97F4A7C15u
#define FINGERPRINT_BITS 24

typedef const char *Error; /* what is wrong, or NULL */
static const char NO_MEMORY[] = "out of memory";
static const char BAD_MODEL[] = "the language model is damaged: a bucket leaves its table";
static const char BAD_WORD[] = "word id outside the language model";
static const char BAD_SENTENCE[] = "sentence outside the text";
static const char BAD_EDGE[] = "edge outside its sentence or its arrays";
static const char BAD_UNIT[] = "original outside the channel";
static const char BAD_GRAPH[] = "arc or node outside its sentence or its arrays";
static const char TOO_LARGE[] = "more than 4 billion nodes or arcs";

#define TRY(call)                    \
    do {                             \
        Error error_ = (call);       \
        if (error_) return error_;   \
    } while (0)

/* -- buffers ------------------------------------------------------------------------------------------------------- */

typedef struct {
    const void *data;
    size_t size; /* in elements */
} Array;

#define AT(array, type) ((const type *)(array).data)

/* The buffers of one call, to be released together. */
typedef struct {
    Py_buffer view[32];
    int count;
} Held;

static void release(Held *held)
{
    while (held->count) PyBuffer_Release(&held->view[--held->count]);
}

/* Hold a one-dimensional buffer whose elements have this struct code; -1 with an exception if it is none. */
static int hold(Held *held, PyObject *object, const char *code, Array *array)
{
    Py_buffer *view = &held->view[held->count];
    Py_ssize_t size = *code == 'd' ? 8 : *code == 'B' ? 1 : 4;

    if (held->count == (int)(sizeof held->view / sizeof held->view[0])) {
        PyErr_SetString(PyExc_ValueError, "too many buffers");
        return -1;
    }
    if (PyObject_GetBuffer(object, view, PyBUF_ND | PyBUF_FORMAT) < 0) return -1;
    held->count++;
    /* A section of a damaged file may begin anywhere; some processors cannot read numbers that are not aligned. */
    if (view->ndim != 1 || !view->format || strcmp(view->format, code) || view->itemsize != size ||
        (view->len && (uintptr_t)view->buf % (size_t)size)) {
        PyErr_Format(PyExc_ValueError, "expected an aligned buffer of type '%s'", code);
        return -1;
    }
    array->data = view->buf;
    array->size = (size_t)(view->len / size);
    return 0;
}

/* Turn what a worker returned into an exception; -1 if there was one. */
static int raise(Error error)
{
    if (error == NO_MEMORY)
        PyErr_NoMemory();
    else if (error)
        PyErr_SetString(PyExc_ValueError, error);
    return error ? -1 : 0;
}

static PyObject *as_bytes(const void *data, size_t size)
{
    return PyBytes_FromStringAndSize(size ? data : "", (Py_ssize_t)size);
}

/* -- the language model (lm.py) ------------------------------------------------------------------------------------ */

#define MAX_CONTEXT 3

typedef struct {
    int shift;
    Array buckets, entries, backoffs, codebooks;
} Table;

typedef struct {
    Array unigrams;
    int tables; /* orders 2 to tables + 1; the last has no back-offs */
    Table table[MAX_CONTEXT];
} Model;

/* What the model remembers, newest word first. Unused words are 0, so that equal contexts are equal memory. */
typedef struct {
    struct {
        uint32_t size;
        uint32_t word[MAX_CONTEXT];
    } context;
    float backoff[MAX_CONTEXT]; /* follow from the words and need no comparing */
} State;

/* ``view``: the unigrams, then (shift, buckets, entries, backoffs, codebooks) for each order (LanguageModel.memory). */
static int hold_model(Held *held, PyObject *view, Model *model)
{
    Py_ssize_t size = PyTuple_Size(view); /* -1 with an exception if it is no tuple */

    if (size < 0) return -1;
    if (size < 2 || size > 1 + MAX_CONTEXT) {
        PyErr_SetString(PyExc_ValueError, "a model has one to three tables of n-grams");
        return -1;
    }
    model->tables = (int)size - 1;
    if (hold(held, PyTuple_GetItem(view, 0), "f", &model->unigrams) < 0) return -1;
    for (int n = 0; n < model->tables; n++) {
        Table *table = &model->table[n];
        PyObject *buckets, *entries, *backoffs, *codebooks;
        int highest = n == model->tables - 1;

        if (!PyArg_ParseTuple(PyTuple_GetItem(view, n + 1), "iOOOO", &table->shift, &buckets, &entries, &backoffs, &codebooks))
            return -1;
        if (hold(held, buckets, "I", &table->buckets) < 0 || hold(held, entries, "I", &table->entries) < 0 ||
            hold(held, backoffs, "B", &table->backoffs) < 0 || hold(held, codebooks, "f", &table->codebooks) < 0)
            return -1;
        if (table->shift < FINGERPRINT_BITS || table->shift > 63 ||
            table->buckets.size != ((size_t)1 << (64 - table->shift)) + 1 || table->codebooks.size < (highest ? 256 : 512) ||
            (!highest && table->backoffs.size != table->entries.size)) {
            PyErr_SetString(PyExc_ValueError, "the language model is damaged: its sections do not fit together");
            return -1;
        }
    }
    if (model->unigrams.size <= 2 * NUMBER + 1) {
        PyErr_SetString(PyExc_ValueError, "the language model is damaged: it has no words");
        return -1;
    }
    return 0;
}

static uint64_t extend_hash(uint64_t value, uint32_t word)
{
    value = (value + word + 1) * HASH_MULTIPLIER;
    return value ^ (value >> 29);
}

/* Index of the n-gram with this hash, or -1. */
static Error find(const Table *table, uint64_t value, int64_t *index)
{
    const uint32_t *entries = AT(table->entries, uint32_t);
    const uint32_t *bucket = AT(table->buckets, uint32_t) + (value >> table->shift);
    uint32_t fingerprint = (uint32_t)(value >> (table->shift - FINGERPRINT_BITS)) & 0xFFFFFF;
    size_t low = bucket[0], high = bucket[1], stop = high;

    if (low > high || high > table->entries.size) return BAD_MODEL;
    while (high - low > 8) { /* buckets have about 6 entries; only in a strange model is there much to halve */
        size_t middle = low + (high - low) / 2;
        if (entries[middle] >> 8 < fingerprint)
            low = middle + 1;
        else
            high = middle;
    }
    while (low < high && entries[low] >> 8 < fingerprint) low++;
    *index = low < stop && entries[low] >> 8 == fingerprint ? (int64_t)low : -1;
    return NULL;
}

static State start_state(const Model *model)
{
    State state = {{1, {START}}, {AT(model->unigrams, float)[2 * START + 1]}};
    return state;
}

/* log P(word | state), natural, and the state after the word. */
static Error score_word(const Model *model, const State *state, uint32_t word, double *log_prob, State *after)
{
    const float *unigrams = AT(model->unigrams, float);
    uint32_t matched = 0;
    uint64_t value;

    if (word >= model->unigrams.size / 2) return BAD_WORD;
    State found = {{1, {word}}, {unigrams[2 * (size_t)word + 1]}};
    double sum = unigrams[2 * (size_t)word];
    value = extend_hash(0, word);
    for (; matched < (uint32_t)model->tables && matched < state->context.size; matched++) {
        const Table *table = &model->table[matched];
        const float *codebooks = AT(table->codebooks, float);
        uint32_t context = state->context.word[matched];
        int64_t index;

        value = extend_hash(value, context);
        TRY(find(table, value, &index));
        if (index < 0) break;
        sum = codebooks[AT(table->entries, uint32_t)[index] & 0xFF];
        if (matched < (uint32_t)model->tables - 1) {
            found.context.word[found.context.size] = context;
            found.backoff[found.context.size++] = codebooks[256 + AT(table->backoffs, uint8_t)[index]];
        }
    }
    for (uint32_t n = matched; n < state->context.size; n++) sum += state->backoff[n];
    *log_prob = sum;
    *after = found;
    return NULL;
}

/* -- expand (lattice.py) ------------------------------------------------------------------------------------------- */

#define NONE (-1)
#define CHAINS 1024u /* a few hundred nodes wait at a time */
#define CACHED 8192u /* answers of the model kept: half a megabyte, so that it stays near the processor */

/* A state at a token: the score of the best path to it and the arcs that end in it. */
typedef struct {
    State state;
    uint64_t hash;
    double best;
    int32_t next;  /* in its column, in order of arrival; in the list of free nodes */
    int32_t chain; /* next of those whose hash ends alike */
    int32_t first_arc, last_arc;
    uint32_t token;
} Node;

typedef struct {
    double log_lm;
    uint32_t source;
    int32_t edge;
    int32_t next; /* of the same node; in the list of free arcs */
} Arc;

/* The nodes of a token. */
typedef struct {
    double best;
    int32_t first, last;
} Column;

/* A node that is left: copied, for the pool moves as it grows. */
typedef struct {
    State state;
    double best;
    uint32_t number;
} Survivor;

/* A step of the model: a state and a word lead to a weighted log-probability and a state. Size 0 marks an empty place. */
typedef struct {
    State from, to;
    double log_lm;
    uint32_t word;
} Step;

typedef struct {
    Model model;
    Array tokens, first, end, unit, unit_first, unit_words, sentences, score;
    int beam;
    double margin, weight;

    /* What is found: arcs, and for each sentence where its arcs and nodes end. */
    uint32_t *source, *target;
    int32_t *edge;
    double *log_lm;
    size_t arcs, room;
    uint32_t *arc_ends, *node_ends;
    size_t number;

    /* The walk over one sentence. */
    Column *columns;
    size_t columns_room;
    Node *nodes;
    int32_t free_node, nodes_used, nodes_room;
    Arc *waiting;
    int32_t free_arc, waiting_used, waiting_room;
    int32_t chains[CHAINS];
    Survivor *survivors;
    int32_t *ranks;
    Step *steps;
} Walk;

/* Make room for one more element in a growing array. */
static Error grow(void **data, size_t used, size_t *room, size_t element)
{
    if (used < *room) return NULL;
    size_t more = *room ? 2 * *room : 256;
    void *moved = more <= SIZE_MAX / element ? realloc(*data, more * element) : NULL;
    if (!moved) return NO_MEMORY;
    *data = moved;
    *room = more;
    return NULL;
}

/* The same for a pool whose elements know each other by 32-bit number. */
static Error grow_pool(void **data, int32_t used, int32_t *room, size_t element)
{
    size_t wide = (size_t)*room;
    if (used >= INT32_MAX / 2) return TOO_LARGE;
    TRY(grow(data, (size_t)used, &wide, element));
    *room = (int32_t)wide;
    return NULL;
}

static uint64_t hash_state(const State *state, uint32_t more)
{
    uint64_t value = (uint64_t)state->context.word[0] << 32 | state->context.word[1];
    value = (value ^ ((uint64_t)more << 13)) * HASH_MULTIPLIER;
    value = (value ^ (value >> 32) ^ (uint64_t)state->context.word[2] << 20 ^ state->context.size) * HASH_MULTIPLIER;
    return value ^ (value >> 32);
}

static int same_context(const State *a, const State *b)
{
    return memcmp(&a->context, &b->context, sizeof a->context) == 0;
}

/* The model's weighted answer, remembered: many edges of a token lead to the same words. */
static Error step_word(Walk *walk, State *state, uint32_t word, double *log_lm)
{
    Step *step = &walk->steps[hash_state(state, word) % CACHED];

    if (step->word != word || !same_context(&step->from, state)) {
        State after;
        double log_prob;
        TRY(score_word(&walk->model, state, word, &log_prob, &after));
        step->from = *state;
        step->to = after;
        step->word = word;
        step->log_lm = walk->weight * log_prob;
    }
    *log_lm = step->log_lm;
    *state = step->to;
    return NULL;
}

/* Follow the words of an edge. */
static Error step_edge(Walk *walk, size_t edge, size_t token, State *state, double *log_lm)
{
    int32_t unit = AT(walk->unit, int32_t)[edge];
    const uint32_t *unit_first = AT(walk->unit_first, uint32_t);

    if (unit == KEEP) return step_word(walk, state, AT(walk->tokens, uint32_t)[token], log_lm);
    if (unit < 0 || (size_t)unit + 1 >= walk->unit_first.size) return BAD_UNIT;
    size_t stop = unit_first[unit + 1];
    if (stop > walk->unit_words.size) return BAD_UNIT;
    *log_lm = 0.0;
    for (size_t at = unit_first[unit]; at < stop; at++) {
        double more;
        TRY(step_word(walk, state, AT(walk->unit_words, uint32_t)[at], &more));
        *log_lm += more;
    }
    return NULL;
}

/* The node of a state at a token, made if it is new. */
static Error node_of(Walk *walk, Column *column, uint32_t token, const State *state, Node **found)
{
    uint64_t hash = hash_state(state, token);
    int32_t *chain = &walk->chains[hash % CHAINS];

    for (int32_t n = *chain; n != NONE; n = walk->nodes[n].chain) {
        Node *node = &walk->nodes[n];
        if (node->hash == hash && node->token == token && same_context(&node->state, state)) {
            *found = node;
            return NULL;
        }
    }
    int32_t new = walk->free_node;
    if (new != NONE) {
        walk->free_node = walk->nodes[new].next;
    } else {
        TRY(grow_pool((void **)&walk->nodes, walk->nodes_used, &walk->nodes_room, sizeof(Node)));
        new = walk->nodes_used++;
    }
    Node *node = &walk->nodes[new];
    *node = (Node){*state, hash, -INFINITY, NONE, *chain, NONE, NONE, token};
    *chain = new;
    if (column->first == NONE)
        column->first = new;
    else
        walk->nodes[column->last].next = new;
    column->last = new;
    *found = node;
    return NULL;
}

static Error add_waiting(Walk *walk, Node *node, uint32_t source, int32_t edge, double log_lm)
{
    int32_t new = walk->free_arc;
    if (new != NONE) {
        walk->free_arc = walk->waiting[new].next;
    } else {
        TRY(grow_pool((void **)&walk->waiting, walk->waiting_used, &walk->waiting_room, sizeof(Arc)));
        new = walk->waiting_used++;
    }
    walk->waiting[new] = (Arc){log_lm, source, edge, NONE};
    if (node->first_arc == NONE)
        node->first_arc = new;
    else
        walk->waiting[node->last_arc].next = new;
    node->last_arc = new;
    return NULL;
}

static Error write_arc(Walk *walk, size_t source, size_t target, int32_t edge, double log_lm)
{
    if (walk->arcs == walk->room) {
        size_t room = walk->room; /* each array is as long as the others, also if memory ends between two of them */
        if (room > UINT32_MAX / 2) return TOO_LARGE;
        TRY(grow((void **)&walk->source, room, &(size_t){room}, sizeof *walk->source));
        TRY(grow((void **)&walk->target, room, &(size_t){room}, sizeof *walk->target));
        TRY(grow((void **)&walk->edge, room, &(size_t){room}, sizeof *walk->edge));
        TRY(grow((void **)&walk->log_lm, room, &walk->room, sizeof *walk->log_lm));
    }
    walk->source[walk->arcs] = (uint32_t)source;
    walk->target[walk->arcs] = (uint32_t)target;
    walk->edge[walk->arcs] = edge;
    walk->log_lm[walk->arcs++] = log_lm;
    return NULL;
}

/* The best states of a token, numbered, with their arcs written out; ties go to the one that came first. */
static Error survive(Walk *walk, Column *column, int *count)
{
    Node *nodes = walk->nodes;
    int kept = 0;

    for (int32_t n = column->first; n != NONE; n = nodes[n].next) {
        int at = kept < walk->beam ? kept++ : walk->beam;
        while (at && nodes[walk->ranks[at - 1]].best < nodes[n].best) {
            if (at < walk->beam) walk->ranks[at] = walk->ranks[at - 1];
            at--;
        }
        if (at < walk->beam) walk->ranks[at] = n;
    }
    *count = 0;
    for (int rank = 0; rank < kept; rank++) {
        const Node *node = &nodes[walk->ranks[rank]];
        if (!(node->best >= column->best - walk->margin)) continue;
        if (walk->number >= UINT32_MAX) return TOO_LARGE;
        for (int32_t a = node->first_arc; a != NONE; a = walk->waiting[a].next)
            TRY(write_arc(walk, walk->waiting[a].source, walk->number, walk->waiting[a].edge, walk->waiting[a].log_lm));
        walk->survivors[(*count)++] = (Survivor){node->state, node->best, (uint32_t)walk->number++};
    }
    return NULL;
}

/* Give back the nodes and arcs of a token that has been left. */
static void clear(Walk *walk, Column *column)
{
    for (int32_t n = column->first, next; n != NONE; n = next) {
        Node *node = &walk->nodes[n];
        int32_t *link = &walk->chains[node->hash % CHAINS];
        while (*link != n) link = &walk->nodes[*link].chain;
        *link = node->chain;
        if (node->last_arc != NONE) {
            walk->waiting[node->last_arc].next = walk->free_arc;
            walk->free_arc = node->first_arc;
        }
        next = node->next;
        node->next = walk->free_node;
        walk->free_node = n;
    }
    column->first = column->last = NONE;
}

/* Follow every edge from a node. */
static Error leave(Walk *walk, const Survivor *from, size_t token, size_t start, size_t stop)
{
    const double *score = AT(walk->score, double);
    size_t last = AT(walk->first, uint32_t)[token + 1];

    if (last > walk->end.size) return BAD_EDGE;
    for (size_t edge = AT(walk->first, uint32_t)[token]; edge < last; edge++) {
        State state = from->state;
        size_t goal = AT(walk->end, uint32_t)[edge];
        double log_lm, reached;
        Node *there;

        if (goal <= token || goal > stop) return BAD_EDGE;
        TRY(step_edge(walk, edge, token, &state, &log_lm));
        Column *column = &walk->columns[goal - start];
        reached = from->best + (score[edge] + log_lm);
        if (reached < column->best - walk->margin) continue;
        TRY(node_of(walk, column, (uint32_t)goal, &state, &there));
        TRY(add_waiting(walk, there, from->number, (int32_t)edge, log_lm));
        if (reached > there->best) there->best = reached;
        if (reached > column->best) column->best = reached;
    }
    return NULL;
}

static Error walk_sentence(Walk *walk, size_t start, size_t stop)
{
    State begin = start_state(&walk->model);
    Node *node;
    int count;

    if (start > stop || stop > walk->tokens.size) return BAD_SENTENCE;
    while (stop - start >= walk->columns_room)
        TRY(grow((void **)&walk->columns, walk->columns_room, &walk->columns_room, sizeof(Column)));
    for (size_t n = 0; n <= stop - start; n++) walk->columns[n] = (Column){-INFINITY, NONE, NONE};
    TRY(node_of(walk, walk->columns, (uint32_t)start, &begin, &node));
    node->best = walk->columns[0].best = 0.0;
    for (size_t token = start; token < stop; token++) {
        TRY(survive(walk, &walk->columns[token - start], &count));
        clear(walk, &walk->columns[token - start]);
        for (int n = 0; n < count; n++) TRY(leave(walk, &walk->survivors[n], token, start, stop));
    }
    TRY(survive(walk, &walk->columns[stop - start], &count));
    clear(walk, &walk->columns[stop - start]);
    if (walk->number >= UINT32_MAX) return TOO_LARGE;
    for (int n = 0; n < count; n++) {
        double log_lm;
        TRY(step_word(walk, &walk->survivors[n].state, END, &log_lm));
        TRY(write_arc(walk, walk->survivors[n].number, walk->number, END_OF_SENTENCE, log_lm));
    }
    walk->number++;
    return NULL;
}

static Error walk_text(Walk *walk)
{
    size_t sentences = walk->sentences.size / 2, beam = (size_t)walk->beam;
    const uint32_t *range = AT(walk->sentences, uint32_t);

    if (walk->unit.size != walk->end.size || walk->score.size != walk->end.size || walk->end.size > INT32_MAX) return BAD_EDGE;
    if (walk->first.size != walk->tokens.size + 1) return BAD_EDGE;
    if (walk->sentences.size % 2 || walk->tokens.size >= UINT32_MAX) return BAD_SENTENCE;
    walk->arc_ends = calloc(sentences + 1, sizeof *walk->arc_ends);
    walk->node_ends = calloc(sentences + 1, sizeof *walk->node_ends);
    walk->survivors = calloc(beam, sizeof *walk->survivors);
    walk->ranks = calloc(beam, sizeof *walk->ranks);
    walk->steps = calloc(CACHED, sizeof *walk->steps);
    if (!walk->arc_ends || !walk->node_ends || !walk->survivors || !walk->ranks || !walk->steps) return NO_MEMORY;
    walk->free_node = walk->free_arc = NONE;
    for (size_t n = 0; n < CHAINS; n++) walk->chains[n] = NONE;
    for (size_t n = 0; n < sentences; n++) {
        TRY(walk_sentence(walk, range[2 * n], range[2 * n + 1]));
        walk->arc_ends[n + 1] = (uint32_t)walk->arcs;
        walk->node_ends[n + 1] = (uint32_t)walk->number;
    }
    return NULL;
}

static void free_walk(Walk *walk)
{
    void *all[] = {walk->source,    walk->target, walk->edge,    walk->log_lm,    walk->arc_ends, walk->node_ends,
                   walk->columns,   walk->nodes,  walk->waiting, walk->survivors, walk->ranks,    walk->steps};
    for (size_t n = 0; n < sizeof all / sizeof *all; n++) free(all[n]);
    free(walk);
}

PyDoc_STRVAR(expand_doc,
    "expand(model, tokens, first, end, unit, unit_first, unit_words, sentences, score, beam, margin, lm_weight)\n"
    "The arrays of a Graph as bytes: source, target, edge, log_lm, sentences, nodes.");

static PyObject *expand(PyObject *module, PyObject *args)
{
    PyObject *model, *tokens, *first, *end, *unit, *unit_first, *unit_words, *sentences, *score, *result = NULL;
    Held held = {.count = 0};
    Walk *walk = calloc(1, sizeof *walk);
    Error error;

    if (!walk) return PyErr_NoMemory();
    if (!PyArg_ParseTuple(args, "OOOOOOOOOidd", &model, &tokens, &first, &end, &unit, &unit_first, &unit_words, &sentences,
                          &score, &walk->beam, &walk->margin, &walk->weight))
        goto done;
    if (walk->beam < 1 || walk->beam > 65536) {
        PyErr_SetString(PyExc_ValueError, "beam must be between 1 and 65536");
        goto done;
    }
    if (hold_model(&held, model, &walk->model) < 0 || hold(&held, tokens, "I", &walk->tokens) < 0 ||
        hold(&held, first, "I", &walk->first) < 0 || hold(&held, end, "I", &walk->end) < 0 ||
        hold(&held, unit, "i", &walk->unit) < 0 || hold(&held, unit_first, "I", &walk->unit_first) < 0 ||
        hold(&held, unit_words, "I", &walk->unit_words) < 0 || hold(&held, sentences, "I", &walk->sentences) < 0 ||
        hold(&held, score, "d", &walk->score) < 0)
        goto done;
    Py_BEGIN_ALLOW_THREADS
    error = walk_text(walk);
    Py_END_ALLOW_THREADS
    if (raise(error) < 0) goto done;
    size_t ends = (walk->sentences.size / 2 + 1) * sizeof(uint32_t);
    result = Py_BuildValue("(NNNNNN)", as_bytes(walk->source, walk->arcs * sizeof *walk->source),
                           as_bytes(walk->target, walk->arcs * sizeof *walk->target),
                           as_bytes(walk->edge, walk->arcs * sizeof *walk->edge),
                           as_bytes(walk->log_lm, walk->arcs * sizeof *walk->log_lm), as_bytes(walk->arc_ends, ends),
                           as_bytes(walk->node_ends, ends));
done:
    free_walk(walk);
    release(&held);
    return result;
}

/* -- log_genuine (lattice.py) -------------------------------------------------------------------------------------- */

typedef struct {
    Model model;
    Array tokens, first, base, sentences;
    double weight;
    double *found;
} Genuine;

static Error genuine_sentence(const Genuine *text, size_t start, size_t stop, double *total)
{
    State state = start_state(&text->model);
    double log_prob;

    if (start > stop || stop > text->tokens.size || stop > text->first.size) return BAD_SENTENCE;
    *total = 0.0;
    for (size_t at = start; at < stop; at++) {
        size_t edge = AT(text->first, uint32_t)[at];
        TRY(score_word(&text->model, &state, AT(text->tokens, uint32_t)[at], &log_prob, &state));
        if (edge >= text->base.size) return BAD_EDGE;
        *total += text->weight * log_prob + AT(text->base, float)[edge];
    }
    TRY(score_word(&text->model, &state, END, &log_prob, &state));
    *total += text->weight * log_prob;
    return NULL;
}

static Error genuine_text(const Genuine *text)
{
    const uint32_t *range = AT(text->sentences, uint32_t);
    for (size_t n = 0; n < text->sentences.size / 2; n++)
        TRY(genuine_sentence(text, range[2 * n], range[2 * n + 1], &text->found[n]));
    return NULL;
}

PyDoc_STRVAR(log_genuine_doc,
    "log_genuine(model, tokens, first, base, sentences, lm_weight)\n"
    "Weighted log-likelihood of each sentence as it stands, as bytes.");

static PyObject *log_genuine(PyObject *module, PyObject *args)
{
    PyObject *model, *tokens, *first, *base, *sentences, *result = NULL;
    Held held = {.count = 0};
    Genuine text;
    Error error;

    if (!PyArg_ParseTuple(args, "OOOOOd", &model, &tokens, &first, &base, &sentences, &text.weight)) return NULL;
    if (hold_model(&held, model, &text.model) < 0 || hold(&held, tokens, "I", &text.tokens) < 0 ||
        hold(&held, first, "I", &text.first) < 0 || hold(&held, base, "f", &text.base) < 0 ||
        hold(&held, sentences, "I", &text.sentences) < 0)
        goto done;
    result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(text.sentences.size / 2 * sizeof(double)));
    if (!result) goto done;
    text.found = (double *)PyBytes_AsString(result);
    Py_BEGIN_ALLOW_THREADS
    error = genuine_text(&text);
    Py_END_ALLOW_THREADS
    if (raise(error) < 0) Py_CLEAR(result);
done:
    release(&held);
    return result;
}

/* -- forward_backward (decode.py) ---------------------------------------------------------------------------------- */

typedef struct {
    Array source, target, edge, log_lm, sentences, nodes, score;
    double *likelihood, *posterior; /* one a sentence, one an edge */
    double *forward, *backward;
} Sums;

/* log(exp(a) + exp(b)) without overflow. */
static double log_add(double a, double b)
{
    if (a < b) {
        double swap = a;
        a = b;
        b = swap;
    }
    return b == -INFINITY ? a : a + log1p(exp(b - a));
}

static double arc_weight(const Sums *sums, size_t arc)
{
    int32_t edge = AT(sums->edge, int32_t)[arc];
    return AT(sums->log_lm, double)[arc] + (edge != END_OF_SENTENCE ? AT(sums->score, double)[edge] : 0.0);
}

/* Sums of one sentence: its arcs from ``low`` to ``high``, its nodes from ``first`` to ``stop``. */
static Error sum_sentence(const Sums *sums, size_t low, size_t high, size_t first, size_t stop, double *total)
{
    const uint32_t *sources = AT(sums->source, uint32_t), *targets = AT(sums->target, uint32_t);
    const int32_t *edges = AT(sums->edge, int32_t);
    double *forward = sums->forward, *backward = sums->backward;
    size_t nodes = stop - first;

    for (size_t n = 0; n < nodes; n++) forward[n] = backward[n] = -INFINITY;
    forward[0] = 0.0;
    for (size_t arc = low; arc < high; arc++) {
        size_t source = (size_t)sources[arc] - first, target = (size_t)targets[arc] - first; /* too large if negative */
        int32_t edge = edges[arc];
        if (source >= nodes || target >= nodes) return BAD_GRAPH;
        if (edge != END_OF_SENTENCE && (edge < 0 || (size_t)edge >= sums->score.size)) return BAD_GRAPH;
        forward[target] = log_add(forward[target], forward[source] + arc_weight(sums, arc));
    }
    *total = forward[nodes - 1];
    backward[nodes - 1] = 0.0;
    for (size_t arc = high; arc-- > low;) { /* checked above */
        size_t source = sources[arc] - first, target = targets[arc] - first;
        double beyond = backward[target] + arc_weight(sums, arc);
        backward[source] = log_add(backward[source], beyond);
        if (edges[arc] != END_OF_SENTENCE && beyond != -INFINITY)
            sums->posterior[edges[arc]] += exp(forward[source] + beyond - *total);
    }
    return NULL;
}

static Error sum_text(Sums *sums)
{
    const uint32_t *arcs = AT(sums->sentences, uint32_t), *nodes = AT(sums->nodes, uint32_t);
    size_t count = sums->sentences.size - 1, arcs_size = sums->source.size, most = 0;

    if (sums->target.size != arcs_size || sums->edge.size != arcs_size || sums->log_lm.size != arcs_size) return BAD_GRAPH;
    for (size_t n = 0; n < count; n++) {
        if (arcs[n] > arcs[n + 1] || arcs[n + 1] > arcs_size || nodes[n] >= nodes[n + 1]) return BAD_GRAPH;
        if (nodes[n + 1] - nodes[n] > most) most = nodes[n + 1] - nodes[n];
    }
    if (most > 2 * arcs_size + 2 * count) return BAD_GRAPH; /* nodes without arcs: room for them would be wasted */
    sums->forward = malloc((most + 1) * sizeof(double));
    sums->backward = malloc((most + 1) * sizeof(double));
    if (!sums->forward || !sums->backward) return NO_MEMORY;
    for (size_t n = 0; n < count; n++)
        TRY(sum_sentence(sums, arcs[n], arcs[n + 1], nodes[n], nodes[n + 1], &sums->likelihood[n]));
    return NULL;
}

PyDoc_STRVAR(forward_backward_doc,
    "forward_backward(source, target, edge, log_lm, sentences, nodes, score)\n"
    "Log-likelihood of each sentence and posterior of each edge, as bytes.");

static PyObject *forward_backward(PyObject *module, PyObject *args)
{
    PyObject *source, *target, *edge, *log_lm, *sentences, *nodes, *score;
    PyObject *likelihood = NULL, *posterior = NULL, *result = NULL;
    Held held = {.count = 0};
    Sums sums = {{0}};
    Error error;

    if (!PyArg_ParseTuple(args, "OOOOOOO", &source, &target, &edge, &log_lm, &sentences, &nodes, &score)) return NULL;
    if (hold(&held, source, "I", &sums.source) < 0 || hold(&held, target, "I", &sums.target) < 0 ||
        hold(&held, edge, "i", &sums.edge) < 0 || hold(&held, log_lm, "d", &sums.log_lm) < 0 ||
        hold(&held, sentences, "I", &sums.sentences) < 0 || hold(&held, nodes, "I", &sums.nodes) < 0 ||
        hold(&held, score, "d", &sums.score) < 0)
        goto done;
    if (!sums.sentences.size || sums.nodes.size != sums.sentences.size) {
        raise(BAD_GRAPH);
        goto done;
    }
    likelihood = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)((sums.sentences.size - 1) * sizeof(double)));
    posterior = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(sums.score.size * sizeof(double)));
    if (!likelihood || !posterior) goto done;
    sums.likelihood = (double *)PyBytes_AsString(likelihood);
    sums.posterior = (double *)PyBytes_AsString(posterior);
    memset(sums.posterior, 0, sums.score.size * sizeof(double));
    Py_BEGIN_ALLOW_THREADS
    error = sum_text(&sums);
    Py_END_ALLOW_THREADS
    if (raise(error) == 0) result = PyTuple_Pack(2, likelihood, posterior);
done:
    free(sums.forward);
    free(sums.backward);
    Py_XDECREF(likelihood);
    Py_XDECREF(posterior);
    release(&held);
    return result;
}

/* -- the module ---------------------------------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"expand", expand, METH_VARARGS, expand_doc},
    {"log_genuine", log_genuine, METH_VARARGS, log_genuine_doc},
    {"forward_backward", forward_backward, METH_VARARGS, forward_backward_doc},
    {NULL, NULL, 0, NULL},
};

static int set_up(PyObject *module)
{
    return PyModule_AddIntConstant(module, "INTERFACE", INTERFACE);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, set_up}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "restore._kernel", "The hot loops, compiled; see restore/kernel.py.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__kernel(void)
{
    return PyModuleDef_Init(&definition);
}
