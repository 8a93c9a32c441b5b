/* The language model (lm.py), and the arguments of a call. */

#pragma once
#include "base.h"

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
    if (hold(held, PyTuple_GetItem(view, 0), 'f', &model->unigrams) < 0) return -1;
    for (int n = 0; n < model->tables; n++) {
        Table *table = &model->table[n];
        PyObject *buckets, *entries, *backoffs, *codebooks;
        int highest = n == model->tables - 1;

        if (!PyArg_ParseTuple(PyTuple_GetItem(view, n + 1), "iOOOO", &table->shift, &buckets, &entries, &backoffs, &codebooks))
            return -1;
        if (hold(held, buckets, 'I', &table->buckets) < 0 || hold(held, entries, 'I', &table->entries) < 0 ||
            hold(held, backoffs, 'B', &table->backoffs) < 0 || hold(held, codebooks, 'f', &table->codebooks) < 0)
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

/* Fill in the arguments of a function, one letter each: a buffer's struct code, M a model, # an int, . a double.
 * 1 if all is well, 0 with an exception if not. */
static int take(Held *held, PyObject *args, const char *kinds, ...)
{
    va_list to;
    int status = 0;

    if (PyTuple_Size(args) != (Py_ssize_t)strlen(kinds)) {
        PyErr_Format(PyExc_TypeError, "expected %zu arguments", strlen(kinds));
        return 0;
    }
    va_start(to, kinds);
    for (Py_ssize_t n = 0; kinds[n] && status == 0; n++) {
        PyObject *object = PyTuple_GetItem(args, n);
        if (kinds[n] == 'M') {
            status = hold_model(held, object, va_arg(to, Model *));
        } else if (kinds[n] == '#') {
            long value = PyLong_AsLong(object);
            *va_arg(to, int *) = value < 0 ? -1 : value > INT32_MAX ? INT32_MAX : (int)value;
            status = PyErr_Occurred() ? -1 : 0;
        } else if (kinds[n] == '.') {
            *va_arg(to, double *) = PyFloat_AsDouble(object);
            status = PyErr_Occurred() ? -1 : 0;
        } else {
            status = hold(held, object, kinds[n], va_arg(to, Array *));
        }
    }
    va_end(to);
    return status == 0;
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

/* Ask for the memory that looking up a word will read. Each read of a model of 40 MB takes 100 to 200 ns, twenty of them asked
 * for together hardly more. Buckets first: they say where entries and back-offs lie. */
INLINE void fetch(const Model *model, const State *state, uint32_t word, int buckets)
{
    uint64_t value = extend_hash(0, word);
    for (uint32_t n = 0; n < (uint32_t)model->tables && n < state->context.size; n++) {
        const Table *table = &model->table[n];
        value = extend_hash(value, state->context.word[n]);
        const uint32_t *bucket = AT(table->buckets, uint32_t) + (value >> table->shift);
        if (buckets) {
            PREFETCH(bucket);
        } else if (*bucket < table->entries.size) {
            PREFETCH(AT(table->entries, uint32_t) + *bucket);
            if (bucket[1] - 1u < table->entries.size) PREFETCH(AT(table->entries, uint32_t) + (bucket[1] - 1u));
            if (*bucket < table->backoffs.size) PREFETCH(AT(table->backoffs, uint8_t) + *bucket);
        }
    }
}

static State start_state(const Model *model)
{
    State state = {{1, {START}}, {AT(model->unigrams, float)[2 * START + 1]}};
    return state;
}

/* The longest state that a word can lead to. */
static void append(State *state, uint32_t word)
{
    for (int n = MAX_CONTEXT - 1; n; n--) state->context.word[n] = state->context.word[n - 1];
    state->context.word[0] = word;
    if (state->context.size < MAX_CONTEXT) state->context.size++;
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
