/* The hot loops of restore, compiled: tokens, the search for candidates, the walk over a text with the language model, the sums
 * over what it finds, and what they tell about the document.
 *
 * Speed only. Each function here has a twin in Python (restore/text.py, candidates.py, lattice.py, decode.py, document.py,
 * rerank.py) that says what it does; both take the same floating-point steps in the same order, so their results are equal,
 * ties and node numbers included (tests/test_kernel.py). Whoever changes one changes the other.
 *
 * Rules of the file:
 *   - Inputs are buffers of the caller's (arrays, the memory-mapped model), held while we work and never written to.
 *   - No number read from a buffer is used as an index before it is checked, so that a damaged model or a mistake in Python
 *     ends in a ValueError (a RestoreError, if it is the model) and never in a bad read.
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
#include <stdarg.h>
#include <stddef.h>
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

/* An inlined function is the only place where compilers keep a prefetch: elsewhere they see no effect and drop it. */
#if defined(__GNUC__) || defined(__clang__)
#define INLINE static inline __attribute__((always_inline))
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define INLINE static
#define PREFETCH(address) ((void)(address))
#endif

/* Raised by one whenever a signature or a meaning changes: restore/kernel.py uses no kernel but its own. */
#define INTERFACE 9

enum { UNKNOWN, START, END, NUMBER }; /* lm.py */
#define KEEP (-1)                     /* candidates.py */
#define END_OF_SENTENCE (-1)          /* lattice.py */
#define HASH_MULTIPLIER 0x9E3779B97F4A7C15u
#define FINGERPRINT_BITS 24

typedef const char *Error; /* what is wrong, or NULL */
static const char NO_MEMORY[] = "out of memory";
static const char BAD_MODEL[] = "the language model is damaged: a bucket leaves its table; reinstall restore or build it again";
static const char BAD_WORD[] = "word id outside the language model";
static const char BAD_SENTENCE[] = "sentence outside the text";
static const char BAD_EDGE[] = "edge outside its sentence or its arrays";
static const char BAD_UNIT[] = "original or pair outside the channel";
static const char BAD_GRAPH[] = "arc or node outside its sentence or its arrays";
static const char BAD_TREE[] = "node of a tree outside its arrays";
static const char TOO_LARGE[] = "more nodes or arcs than can be numbered";

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
static int hold(Held *held, PyObject *object, char code, Array *array)
{
    Py_buffer *view = &held->view[held->count]; /* a call has 13 of a model and 12 more at most */
    Py_ssize_t size = code == 'd' || code == 'Q' ? 8 : code == 'B' ? 1 : 4;

    if (PyObject_GetBuffer(object, view, PyBUF_ND | PyBUF_FORMAT) < 0) return -1;
    held->count++;
    /* A section of a damaged file may begin anywhere; some processors cannot read numbers that are not aligned. */
    if (view->ndim != 1 || !view->format || view->format[0] != code || view->format[1] || view->itemsize != size ||
        (view->len && (uintptr_t)view->buf % (size_t)size)) {
        PyErr_Format(PyExc_ValueError, "expected an aligned buffer of type '%c'", code);
        return -1;
    }
    array->data = view->buf;
    array->size = (size_t)(view->len / size);
    return 0;
}

/* Raise what a worker returned; -1 if there was something. A damaged file is the user's affair, the rest a defect of ours. */
static int raise(Error error)
{
    if (error == NO_MEMORY) {
        PyErr_NoMemory();
    } else if (error == BAD_MODEL) {
        PyObject *errors = PyImport_ImportModule("restore.errors");
        PyObject *kind = errors ? PyObject_GetAttrString(errors, "RestoreError") : NULL;
        if (kind) PyErr_SetString(kind, error);
        Py_XDECREF(kind);
        Py_XDECREF(errors);
    } else if (error) {
        PyErr_SetString(PyExc_ValueError, error);
    }
    return error ? -1 : 0;
}

/* A bytes object of so many zeros, and where they lie. */
static PyObject *new_doubles(size_t count, double **data)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * sizeof(double)));
    if (!bytes) return NULL;
    *data = (double *)PyBytes_AsString(bytes);
    memset(*data, 0, count * sizeof(double));
    return bytes;
}

/* An array that grows. */
typedef struct {
    void *data;
    size_t used, room;
} Pool;

/* Address of one more element, good until the next; NULL if memory ends. */
static void *push(Pool *pool, size_t element)
{
    if (pool->used == pool->room) {
        size_t room = pool->room ? 2 * pool->room : 256;
        void *moved = room <= SIZE_MAX / element ? realloc(pool->data, room * element) : NULL;
        if (!moved) return NULL;
        pool->data = moved;
        pool->room = room;
    }
    return (char *)pool->data + element * pool->used++;
}

/* One column of a pool of structs, as bytes. */
static PyObject *column(const Pool *pool, size_t element, size_t offset, size_t width)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(pool->used * width));
    char *to = bytes ? PyBytes_AsString(bytes) : NULL;
    const char *from = pool->used ? (const char *)pool->data + offset : NULL;
    for (size_t n = 0; to && n < pool->used; n++) memcpy(to + n * width, from + n * element, width);
    return bytes;
}

#define COLUMN(pool, type, member) column(&(pool), sizeof(type), offsetof(type, member), sizeof(((type *)0)->member))

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

/* -- scan (text.py) ------------------------------------------------------------------------------------------------ */

/* A text, read character by character; outside it there are zeros. */
typedef struct {
    const void *data;
    int kind;
    Py_ssize_t size;
    int has_at; /* an address of an e-mail is possible */
} Source;

INLINE Py_UCS4 look(const Source *source, Py_ssize_t at)
{
    return at >= 0 && at < source->size ? PyUnicode_READ(source->kind, source->data, at) : 0;
}

static int is_in(Py_UCS4 c, const char *marks) { return c && c < 128 && strchr(marks, (int)c); }
static int is_word(Py_UCS4 c) { return c == '_' || Py_UNICODE_ISALNUM(c); }
static int is_digit(Py_UCS4 c) { return Py_UNICODE_ISDECIMAL(c); }
static int is_letter(Py_UCS4 c) { return Py_UNICODE_ISALNUM(c) && !is_digit(c); }
static int is_alnum(Py_UCS4 c) { return Py_UNICODE_ISALNUM(c); }
static int is_of_label(Py_UCS4 c) { return c == '-' || is_word(c); }
static int is_of_name(Py_UCS4 c) { return c == '.' || c == '+' || is_of_label(c); }
static int is_of_link(Py_UCS4 c) { return !is_in(c, "<>\")") && c != 0x201D && c != 0x2019 && !Py_UNICODE_ISSPACE(c); }
static int is_apostrophe(Py_UCS4 c) { return c == '\'' || c == 0x2019; }

/* End of the run of such characters from ``at`` on, at most ``most`` of them. */
static Py_ssize_t run(const Source *source, Py_ssize_t at, int (*is)(Py_UCS4), Py_ssize_t most)
{
    Py_ssize_t stop = most < source->size - at ? at + most : source->size;
    while (at < stop && is(look(source, at))) at++;
    return at;
}

/* End of an ASCII word in any case, or ``at`` if it is not there. */
static Py_ssize_t after(const Source *source, Py_ssize_t at, const char *lower)
{
    for (Py_ssize_t n = 0;; n++) {
        if (!lower[n]) return at + n;
        Py_UCS4 c = look(source, at + n);
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != (Py_UCS4)lower[n]) return at;
    }
}

static Py_ssize_t scan_link(const Source *source, Py_ssize_t at)
{
    static const char *const beginnings[] = {"http://", "https://", "www."};
    for (int n = 0; n < 3; n++) {
        Py_ssize_t begin = after(source, at, beginnings[n]), end = run(source, begin, is_of_link, PY_SSIZE_T_MAX);
        if (begin > at && end > begin) return end;
    }
    return at;
}

static Py_ssize_t scan_address(const Source *source, Py_ssize_t at)
{
    Py_ssize_t sign = run(source, at, is_of_name, 64), end, next;
    if (sign == at || look(source, sign) != '@') return at;
    end = run(source, sign + 1, is_of_label, 63);
    if (end == sign + 1) return at;
    for (int labels = 0;; labels++, end = next) {
        next = look(source, end) == '.' && labels < 8 ? run(source, end + 1, is_of_label, 63) : end;
        if (next <= end + 1) return labels ? end : at;
    }
}

static Py_ssize_t scan_initials(const Source *source, Py_ssize_t at)
{
    Py_ssize_t end = at;
    while (is_letter(look(source, end)) && look(source, end + 1) == '.') end += 2;
    return end - at >= 4 ? end : at;
}

static Py_ssize_t scan_abbreviation(const Source *source, Py_ssize_t at)
{
    static const char *const known[] = {
        "mr", "mrs", "ms", "dr", "prof", "sen", "rep", "gov", "gen", "lt", "col", "sgt", "capt", "maj", "adm", "rev", "hon",
        "st", "jr", "sr", "vs", "no", "inc", "corp", "co", "ltd", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sept",
        "sep", "oct", "nov", "dec", "etc",
    };
    int period = 0;
    for (Py_ssize_t n = 2; n <= 4; n++) period |= look(source, at + n) == '.'; /* seldom: the list need not be gone through */
    for (size_t n = 0; period && n < sizeof known / sizeof *known; n++) {
        Py_ssize_t end = after(source, at, known[n]);
        if (end > at && look(source, end) == '.') return end + 1;
    }
    return at;
}

static Py_ssize_t scan_number(const Source *source, Py_ssize_t at)
{
    Py_ssize_t end = run(source, at, is_digit, PY_SSIZE_T_MAX), next;
    if (end == at) return at;
    while (is_in(look(source, end), ".,:/") && is_digit(look(source, end + 1)))
        end = run(source, end + 1, is_digit, PY_SSIZE_T_MAX);
    next = run(source, end, is_alnum, PY_SSIZE_T_MAX);
    if (next == end) return end;
    while (look(source, next) == '-' && is_word(look(source, next + 1))) next = run(source, next + 1, is_word, PY_SSIZE_T_MAX);
    return next;
}

/* End of the clitic's letters after an apostrophe, or ``at`` if there are none. */
static Py_ssize_t scan_clitic(const Source *source, Py_ssize_t at)
{
    static const char *const clitics[] = {"s", "ll", "re", "ve", "d", "m"};
    for (int n = 0; n < 6; n++) {
        Py_ssize_t end = after(source, at, clitics[n]);
        if (end > at && !is_word(look(source, end))) return end;
    }
    return at;
}

static Py_ssize_t scan_word(const Source *source, Py_ssize_t at)
{
    Py_ssize_t end = run(source, at, is_word, PY_SSIZE_T_MAX);
    while (end > at) {
        Py_UCS4 c = look(source, end);
        if (c != '-' && !(is_apostrophe(c) && scan_clitic(source, end + 1) == end + 1)) break;
        if (!is_word(look(source, end + 1))) break;
        end = run(source, end + 1, is_word, PY_SSIZE_T_MAX);
    }
    return end;
}

/* End of the token that begins at ``at``, where no white space is. */
static Py_ssize_t scan_token(const Source *source, Py_ssize_t at)
{
    Py_UCS4 c = look(source, at), next = look(source, at + 1);
    Py_ssize_t end;

    if (c == 'h' || c == 'H' || c == 'w' || c == 'W') {
        if ((end = scan_link(source, at)) > at) return end;
    }
    if (source->has_at && (end = scan_address(source, at)) > at) return end;
    if ((c == '@' || c == '#') && is_word(next)) return run(source, at + 1, is_word, PY_SSIZE_T_MAX);
    if (is_word(c)) {
        if (next == '.' && (end = scan_initials(source, at)) > at) return end;
        if ((end = scan_abbreviation(source, at)) > at) return end;
        if ((end = scan_number(source, at)) > at) return end;
        return scan_word(source, at);
    }
    if (is_apostrophe(c) && (at == 0 || is_word(look(source, at - 1))) && (end = scan_clitic(source, at + 1)) > at + 1)
        return end;
    return at + 1;
}

/* Quotes and dashes as a keyboard has them. */
static Py_UCS4 plain(Py_UCS4 c)
{
    return c == 0x2018 || c == 0x2019 ? '\'' : c == 0x201C || c == 0x201D ? '"' : c == 0x2013 || c == 0x2014 ? '-' : c;
}

/* The lower-cased form with plain quotes and dashes. */
static PyObject *norm_of(const Source *source, Py_ssize_t start, Py_ssize_t end)
{
    Py_ssize_t size = end - start;
    Py_UCS4 highest = 127;
    PyObject *norm, *lower;

    for (Py_ssize_t n = start; n < end; n++) {
        Py_UCS4 c = plain(look(source, n));
        if (c > highest) highest = c;
    }
    norm = PyUnicode_New(size, highest);
    if (!norm) return NULL;
    for (Py_ssize_t n = 0; n < size; n++) {
        Py_UCS4 c = plain(look(source, start + n));
        PyUnicode_WRITE(PyUnicode_KIND(norm), PyUnicode_DATA(norm), n, c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    if (highest == 127) return norm;
    lower = PyObject_CallMethod(norm, "lower", NULL);
    Py_DECREF(norm);
    return lower;
}

/* Whether it is an address or an identifier: a name of a thing, not a word. */
static int is_name(const Source *source, Py_ssize_t start, Py_ssize_t end)
{
    Py_UCS4 c = look(source, start), before = 0;
    int letters = 1, sign = 0, humps = 0, underscore = 0;

    if (end - start < 2) return 0;
    if (c == '@' || c == '#' || (end - start > 3 && after(source, start, "www.") > start)) return 1;
    for (Py_ssize_t n = start; n < end; n++, before = c) {
        c = look(source, n);
        letters = letters && Py_UNICODE_ISALPHA(c);
        underscore |= c == '_';
        sign |= c == '@' || (c == ':' && look(source, n + 1) == '/' && look(source, n + 2) == '/' && n + 2 < end);
        humps |= before && Py_UNICODE_ISLOWER(before) && Py_UNICODE_ISUPPER(c);
    }
    return sign || (letters ? humps : underscore);
}

/* Whether a sentence ends between two tokens; ``ended`` says so of the one before, a mark or what closes after it. */
static int is_break(const Source *source, Py_ssize_t last, Py_ssize_t end, Py_ssize_t start, int ended)
{
    int lines = 0;
    for (Py_ssize_t n = end; n < start; n++) lines += look(source, n) == '\n';
    if (start == end || !(ended || lines) || Py_UNICODE_ISLOWER(look(source, start))) return 0;
    Py_UCS4 c = end - last == 1 ? plain(look(source, last)) : 0;
    return ended || lines > 1 || (c != ',' && c != '-');
}

/* A token as a tuple of that type. It holds numbers and a string, so the collector of cycles need not look at it. */
static PyObject *new_token(PyTypeObject *type, Py_ssize_t start, Py_ssize_t end, PyObject *norm)
{
    PyObject *token = norm ? type->tp_alloc(type, 3) : NULL;
    if (!token) {
        Py_XDECREF(norm);
        return NULL;
    }
    PyObject_GC_UnTrack(token);
    PyTuple_SET_ITEM(token, 0, PyLong_FromSsize_t(start));
    PyTuple_SET_ITEM(token, 1, PyLong_FromSsize_t(end));
    PyTuple_SET_ITEM(token, 2, norm);
    if (PyTuple_GET_ITEM(token, 0) && PyTuple_GET_ITEM(token, 1)) return token;
    Py_DECREF(token);
    return NULL;
}

/* Append the tokens, whether each is a name, and the first token of each sentence but the first. */
static int scan_text(const Source *source, PyTypeObject *type, PyObject *tokens, Pool *names, Pool *breaks)
{
    Py_ssize_t last = 0, end = 0, next;
    int ended = 0;

    for (Py_ssize_t at = 0; at < source->size; at = next) {
        next = at + 1;
        if (Py_UNICODE_ISSPACE(look(source, at))) continue;
        next = scan_token(source, at);
        if (names->used) {
            Py_UCS4 c = end - last == 1 ? plain(look(source, last)) : 0;
            if (c == '.' || c == '!' || c == '?' || c == 0x2026)
                ended = 1;
            else if (!is_in(c, "\"')]}"))
                ended = 0;
            if (is_break(source, last, end, at, ended)) {
                uint32_t *found = push(breaks, sizeof *found);
                if (!found) return -1;
                *found = (uint32_t)names->used;
                ended = 0;
            }
        }
        uint8_t *name = names->used < UINT32_MAX ? push(names, 1) : NULL;
        PyObject *token = name ? new_token(type, at, next, norm_of(source, at, next)) : NULL;
        if (!token || PyList_Append(tokens, token) < 0) {
            Py_XDECREF(token);
            return -1;
        }
        Py_DECREF(token);
        *name = (uint8_t)is_name(source, at, next);
        last = at;
        end = next;
    }
    return 0;
}

/* Characters that we read otherwise than the twin: letters that are a k, s or i in another case; our sign for no character. */
static int is_strange(PyObject *text)
{
    static const Py_UCS4 strange[] = {0, 0x130, 0x131, 0x17F, 0x212A};
    for (int n = 0; n < 5; n++)
        if (PyUnicode_FindChar(text, strange[n], 0, PyUnicode_GET_LENGTH(text), 1) >= 0) return 1;
    return 0;
}

static PyObject *scan(PyObject *module, PyObject *args)
{
    PyObject *text, *tokens, *result = NULL;
    PyTypeObject *type;
    Pool names = {0}, breaks = {0};

    if (!PyArg_ParseTuple(args, "UO!", &text, &PyType_Type, &type)) return NULL;
    if (!PyType_IsSubtype(type, &PyTuple_Type)) {
        PyErr_SetString(PyExc_TypeError, "tokens must be tuples");
        return NULL;
    }
    if (is_strange(text)) Py_RETURN_NONE;
    Source source = {PyUnicode_DATA(text), PyUnicode_KIND(text), PyUnicode_GET_LENGTH(text), 0};
    source.has_at = PyUnicode_FindChar(text, '@', 0, source.size, 1) >= 0;
    tokens = PyList_New(0);
    if (tokens && scan_text(&source, type, tokens, &names, &breaks) == 0)
        result = Py_BuildValue("(ONN)", tokens, column(&names, 1, 0, 1), column(&breaks, 4, 0, 4));
    else if (!PyErr_Occurred())
        PyErr_NoMemory();
    Py_XDECREF(tokens);
    free(names.data);
    free(breaks.data);
    return result;
}

/* -- find_edges (candidates.py) ------------------------------------------------------------------------------------- */

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

/* -- expand, log_best (lattice.py) --------------------------------------------------------------------------------- */

#define NONE (-1)

/* A state at a token: the score of the best path to it and the arcs that end in it. */
typedef struct {
    State state;
    uint32_t number;
    double best;
    int32_t next; /* in its column, in order of arrival */
    int32_t first_arc, last_arc;
} Node;

/* An arc on its way: it counts only if its node survives. */
typedef struct {
    double log_lm;
    uint32_t source;
    int32_t edge;
    int32_t next; /* of the same node */
} Waiting;

typedef struct {
    double log_lm;
    uint32_t source, target;
    int32_t edge;
} Arc;

/* Where the arcs and the nodes of a sentence end. */
typedef struct {
    uint32_t arcs, nodes;
} Ends;

/* The nodes of a token. */
typedef struct {
    double best;
    int32_t first, last;
} Column;

typedef struct {
    Model model;
    Array tokens, first, end, unit, unit_first, unit_words, sentences, score;
    int beam;
    double margin, weight;
    double *best;                 /* of each sentence, if that is all that is asked for */

    Pool arcs;                    /* found */
    Pool ends;                    /* of each sentence */
    size_t number;                /* of the next node */
    Pool columns, nodes, waiting; /* of this sentence */
    int32_t *survivors;
} Walk;

static int same_context(const State *a, const State *b)
{
    return memcmp(&a->context, &b->context, sizeof a->context) == 0;
}

/* The weighted answer of the model. */
static Error step_word(const Walk *walk, State *state, uint32_t word, double *log_lm)
{
    double log_prob;
    TRY(score_word(&walk->model, state, word, &log_prob, state));
    *log_lm = walk->weight * log_prob;
    return NULL;
}

/* The words of an edge. */
static Error words_of(const Walk *walk, size_t edge, size_t token, const uint32_t **words, size_t *count)
{
    int32_t unit = AT(walk->unit, int32_t)[edge];
    const uint32_t *unit_first = AT(walk->unit_first, uint32_t);

    *words = AT(walk->tokens, uint32_t) + token;
    *count = 1;
    if (unit == KEEP) return NULL;
    if (unit < 0 || (size_t)unit + 1 >= walk->unit_first.size) return BAD_UNIT;
    size_t first = unit_first[unit], stop = unit_first[unit + 1];
    if (first > stop || stop > walk->unit_words.size) return BAD_UNIT;
    *words = AT(walk->unit_words, uint32_t) + first;
    *count = stop - first;
    return NULL;
}

/* Ask for what leaving a token will look up: the words of its edges after each state. Edges of a family that is ruled out will
 * not be scored. */
static Error fetch_edges(const Walk *walk, size_t token, size_t low, size_t high, int states)
{
    const Node *nodes = walk->nodes.data;
    const uint32_t *words;
    size_t count;

    for (int buckets = 1; buckets >= 0; buckets--) {
        for (size_t edge = low; edge < high; edge++) {
            if (AT(walk->score, double)[edge] < -1e6) continue;
            TRY(words_of(walk, edge, token, &words, &count));
            for (int n = 0; n < states; n++) {
                State state = nodes[walk->survivors[n]].state;
                for (size_t at = 0; at < count; append(&state, words[at++])) fetch(&walk->model, &state, words[at], buckets);
            }
        }
    }
    return NULL;
}

/* The node of a state at a token, made if it is new. A column has about ten: looking through them is quick. */
static Error node_of(Walk *walk, Column *column, const State *state, Node **found)
{
    Node *nodes = walk->nodes.data;

    for (int32_t n = column->first; n != NONE; n = nodes[n].next) {
        if (same_context(&nodes[n].state, state)) {
            *found = &nodes[n];
            return NULL;
        }
    }
    int32_t new = (int32_t)walk->nodes.used;
    if (new == INT32_MAX) return TOO_LARGE;
    *found = push(&walk->nodes, sizeof(Node));
    if (!*found) return NO_MEMORY;
    **found = (Node){*state, 0, -INFINITY, NONE, NONE, NONE};
    if (column->first == NONE)
        column->first = new;
    else
        ((Node *)walk->nodes.data)[column->last].next = new;
    column->last = new;
    return NULL;
}

/* Let an arc end in a node. */
static Error arrive(Walk *walk, Node *node, uint32_t source, int32_t edge, double log_lm)
{
    int32_t new = (int32_t)walk->waiting.used;
    if (walk->best) return NULL;
    if (new == INT32_MAX) return TOO_LARGE;
    Waiting *arc = push(&walk->waiting, sizeof(Waiting));
    if (!arc) return NO_MEMORY;
    *arc = (Waiting){log_lm, source, edge, NONE};
    if (node->first_arc == NONE)
        node->first_arc = new;
    else
        ((Waiting *)walk->waiting.data)[node->last_arc].next = new;
    node->last_arc = new;
    return NULL;
}

static Error write_arc(Walk *walk, size_t source, size_t target, int32_t edge, double log_lm)
{
    Arc *arc = walk->arcs.used < UINT32_MAX ? push(&walk->arcs, sizeof(Arc)) : NULL;
    if (!arc) return NO_MEMORY;
    *arc = (Arc){log_lm, (uint32_t)source, (uint32_t)target, edge};
    return NULL;
}

/* The best states of a token, numbered, with their arcs written out; ties go to the one that came first. */
static Error survive(Walk *walk, const Column *column, int *count)
{
    Node *nodes = walk->nodes.data;
    const Waiting *waiting = walk->waiting.data;
    int32_t *ranks = walk->survivors;
    int kept = 0;

    for (int32_t n = column->first; n != NONE; n = nodes[n].next) {
        if (!(nodes[n].best >= column->best - walk->margin)) continue;
        int at = kept;
        while (at && nodes[ranks[at - 1]].best < nodes[n].best) at--;
        if (at == walk->beam) continue;
        if (kept < walk->beam) kept++;
        memmove(&ranks[at + 1], &ranks[at], (size_t)(kept - 1 - at) * sizeof *ranks);
        ranks[at] = n;
    }
    for (int rank = 0; rank < kept; rank++) {
        Node *node = &nodes[ranks[rank]];
        if (walk->number >= UINT32_MAX) return TOO_LARGE;
        node->number = (uint32_t)walk->number++;
        for (int32_t a = node->first_arc; a != NONE; a = waiting[a].next)
            TRY(write_arc(walk, waiting[a].source, node->number, waiting[a].edge, waiting[a].log_lm));
    }
    *count = kept;
    return NULL;
}

/* Follow the edges of a token from a node. */
static Error leave(Walk *walk, int32_t from, size_t token, size_t low, size_t high, size_t start, size_t stop)
{
    const Node node = ((Node *)walk->nodes.data)[from]; /* a copy: the nodes move as they become more */
    const double *score = AT(walk->score, double);

    for (size_t edge = low; edge < high; edge++) {
        State state = node.state;
        size_t goal = AT(walk->end, uint32_t)[edge], count;
        const uint32_t *words;
        double log_lm = 0.0, more, reached;
        Node *there;

        if (goal <= token || goal > stop) return BAD_EDGE;
        Column *column = (Column *)walk->columns.data + (goal - start);
        if (node.best + score[edge] < column->best - walk->margin) continue;
        TRY(words_of(walk, edge, token, &words, &count));
        for (size_t n = 0; n < count; n++) {
            TRY(step_word(walk, &state, words[n], &more));
            log_lm += more;
        }
        reached = node.best + (score[edge] + log_lm);
        if (reached < column->best - walk->margin) continue;
        TRY(node_of(walk, column, &state, &there));
        TRY(arrive(walk, there, node.number, (int32_t)edge, log_lm));
        if (reached > there->best) there->best = reached;
        if (reached > column->best) column->best = reached;
    }
    return NULL;
}

static Error walk_sentence(Walk *walk, size_t start, size_t stop, double *best)
{
    const uint32_t *first = AT(walk->first, uint32_t);
    State begin = start_state(&walk->model);
    Node *node;
    int count;

    if (start > stop || stop > walk->tokens.size) return BAD_SENTENCE;
    walk->columns.used = walk->nodes.used = walk->waiting.used = 0;
    for (size_t n = start; n <= stop; n++) {
        Column *column = push(&walk->columns, sizeof(Column));
        if (!column) return NO_MEMORY;
        *column = (Column){-INFINITY, NONE, NONE};
    }
    Column *columns = walk->columns.data;
    TRY(node_of(walk, columns, &begin, &node));
    node->best = columns[0].best = 0.0;
    for (size_t token = start; token < stop; token++) {
        TRY(survive(walk, &columns[token - start], &count));
        size_t low = first[token], high = first[token + 1];
        if (high > walk->end.size) return BAD_EDGE;
        TRY(fetch_edges(walk, token, low, high, count));
        for (int n = 0; n < count; n++) TRY(leave(walk, walk->survivors[n], token, low, high, start, stop));
    }
    TRY(survive(walk, &columns[stop - start], &count));
    if (walk->number >= UINT32_MAX) return TOO_LARGE;
    *best = -INFINITY;
    for (int n = 0; n < count; n++) {
        double log_lm;
        node = (Node *)walk->nodes.data + walk->survivors[n];
        TRY(step_word(walk, &node->state, END, &log_lm));
        if (node->best + log_lm > *best) *best = node->best + log_lm;
        if (walk->best) continue;
        TRY(write_arc(walk, node->number, walk->number, END_OF_SENTENCE, log_lm));
    }
    walk->number++;
    return NULL;
}

static Error note_ends(Walk *walk)
{
    Ends *ends = push(&walk->ends, sizeof *ends);
    if (!ends) return NO_MEMORY;
    *ends = (Ends){(uint32_t)walk->arcs.used, (uint32_t)walk->number};
    return NULL;
}

static Error walk_text(Walk *walk)
{
    const uint32_t *range = AT(walk->sentences, uint32_t);
    double best;

    if (walk->beam < 1 || walk->beam > 65536) return "the beam must be between 1 and 65536";
    if (walk->unit.size != walk->end.size || walk->score.size != walk->end.size || walk->end.size > INT32_MAX) return BAD_EDGE;
    if (walk->first.size != walk->tokens.size + 1) return BAD_EDGE;
    if (walk->sentences.size % 2) return BAD_SENTENCE;
    walk->survivors = calloc((size_t)walk->beam + 1, sizeof *walk->survivors);
    if (!walk->survivors) return NO_MEMORY;
    TRY(note_ends(walk));
    for (size_t n = 0; n + 1 < walk->sentences.size; n += 2) {
        TRY(walk_sentence(walk, range[n], range[n + 1], walk->best ? &walk->best[n / 2] : &best));
        TRY(note_ends(walk));
    }
    return NULL;
}

static int take_walk(Held *held, PyObject *args, Walk *w)
{
    return take(held, args, "MIIIiIIId#..", &w->model, &w->tokens, &w->first, &w->end, &w->unit, &w->unit_first, &w->unit_words,
                &w->sentences, &w->score, &w->beam, &w->margin, &w->weight);
}

static Error run_walk(Walk *walk)
{
    Error error;
    Py_BEGIN_ALLOW_THREADS
    error = walk_text(walk);
    Py_END_ALLOW_THREADS
    return error;
}

static void free_walk(Walk *w)
{
    void *all[] = {w->arcs.data, w->ends.data, w->columns.data, w->nodes.data, w->waiting.data, w->survivors};
    for (size_t n = 0; n < sizeof all / sizeof *all; n++) free(all[n]);
}

static PyObject *expand(PyObject *module, PyObject *args)
{
    Held held = {.count = 0};
    Walk w = {.number = 0};
    PyObject *result = NULL;

    if (take_walk(&held, args, &w) && raise(run_walk(&w)) == 0)
        result = Py_BuildValue("(NNNNNN)", COLUMN(w.arcs, Arc, source), COLUMN(w.arcs, Arc, target), COLUMN(w.arcs, Arc, edge),
                               COLUMN(w.arcs, Arc, log_lm), COLUMN(w.ends, Ends, arcs), COLUMN(w.ends, Ends, nodes));
    free_walk(&w);
    release(&held);
    return result;
}

static PyObject *log_best(PyObject *module, PyObject *args)
{
    Held held = {.count = 0};
    Walk w = {.number = 0};
    PyObject *found = NULL;

    if (take_walk(&held, args, &w) && (found = new_doubles(w.sentences.size / 2, &w.best)) && raise(run_walk(&w)) < 0)
        Py_CLEAR(found);
    free_walk(&w);
    release(&held);
    return found;
}

/* -- log_genuine (lattice.py) -------------------------------------------------------------------------------------- */

/* The arguments of the functions below; each uses some. */
typedef struct {
    Model model;
    Array tokens, keep_unit, first, unit, pair, family, base, sentences; /* the text */
    Array unit_swap, pair_weight;                                        /* the channel */
    Array rates, posterior, spun, score;
    double lm_weight, habit, least_use, least_seen;
    double *found;
} Text;

static Error genuine_sentence(const Text *text, size_t start, size_t stop, double *total)
{
    const uint32_t *tokens = AT(text->tokens, uint32_t);
    State state = start_state(&text->model);
    double log_prob;

    if (start > stop || stop > text->tokens.size || stop > text->first.size) return BAD_SENTENCE;
    for (int buckets = 1; buckets >= 0; buckets--) {
        State ahead = state;
        for (size_t at = start; at < stop; append(&ahead, tokens[at++])) fetch(&text->model, &ahead, tokens[at], buckets);
    }
    *total = 0.0;
    for (size_t at = start; at < stop; at++) {
        size_t edge = AT(text->first, uint32_t)[at];
        TRY(score_word(&text->model, &state, tokens[at], &log_prob, &state));
        if (edge >= text->base.size) return BAD_EDGE;
        *total += text->lm_weight * log_prob + AT(text->base, float)[edge];
    }
    TRY(score_word(&text->model, &state, END, &log_prob, &state));
    *total += text->lm_weight * log_prob;
    return NULL;
}

static Error genuine_text(Text *text)
{
    const uint32_t *range = AT(text->sentences, uint32_t);
    if (text->sentences.size % 2) return BAD_SENTENCE;
    for (size_t n = 0; n < text->sentences.size / 2; n++)
        TRY(genuine_sentence(text, range[2 * n], range[2 * n + 1], &text->found[n]));
    return NULL;
}

/* Do the work of a function whose result is ``size`` doubles, if its arguments were ready. */
static PyObject *answer(Held *held, int ready, Text *text, size_t size, Error (*work)(Text *))
{
    PyObject *found = ready ? new_doubles(size, &text->found) : NULL;
    Error error;

    if (found) {
        Py_BEGIN_ALLOW_THREADS
        error = work(text);
        Py_END_ALLOW_THREADS
        if (raise(error) < 0) Py_CLEAR(found);
    }
    release(held);
    return found;
}

static PyObject *log_genuine(PyObject *module, PyObject *args)
{
    Held held = {.count = 0};
    Text t = {.found = NULL};
    int ready = take(&held, args, "MIIfI.", &t.model, &t.tokens, &t.first, &t.base, &t.sentences, &t.lm_weight);
    return answer(&held, ready, &t, t.sentences.size / 2, genuine_text);
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

    if (!sums->sentences.size || sums->nodes.size != sums->sentences.size) return BAD_GRAPH;
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

static PyObject *forward_backward(PyObject *module, PyObject *args)
{
    Held held = {.count = 0};
    Sums s = {.forward = NULL};
    PyObject *likelihood = NULL, *posterior = NULL, *result = NULL;
    Error error;

    if (take(&held, args, "IIidIId", &s.source, &s.target, &s.edge, &s.log_lm, &s.sentences, &s.nodes, &s.score) &&
        (likelihood = new_doubles(s.sentences.size ? s.sentences.size - 1 : 0, &s.likelihood)) &&
        (posterior = new_doubles(s.score.size, &s.posterior))) {
        Py_BEGIN_ALLOW_THREADS
        error = sum_text(&s);
        Py_END_ALLOW_THREADS
        if (raise(error) == 0) result = PyTuple_Pack(2, likelihood, posterior);
    }
    free(s.forward);
    free(s.backward);
    Py_XDECREF(likelihood);
    Py_XDECREF(posterior);
    release(&held);
    return result;
}

/* -- score_edges, count_swaps, learn_habits (document.py) ---------------------------------------------------------- */

/* The edges of a token: the first keeps it. */
static Error edges_of(const Text *text, size_t token, size_t edges, size_t *low, size_t *high)
{
    if (token + 1 >= text->first.size || token >= text->keep_unit.size) return BAD_SENTENCE;
    *low = AT(text->first, uint32_t)[token];
    *high = AT(text->first, uint32_t)[token + 1];
    return *low < *high && *high <= edges ? NULL : BAD_EDGE;
}

/* How often each family swaps the unit that a token is; NULL if no spinner knows it. */
static Error swap_of(const Text *text, size_t token, size_t families, const float **swap)
{
    int32_t unit = AT(text->keep_unit, int32_t)[token];
    if (unit < KEEP || (unit != KEEP && ((size_t)unit + 1) * families > text->unit_swap.size)) return BAD_UNIT;
    *swap = unit == KEEP ? NULL : AT(text->unit_swap, float) + (size_t)unit * families;
    return NULL;
}

static Error score_text(Text *text)
{
    const double *rates = AT(text->rates, double);
    const float *base = AT(text->base, float), *swap;
    const uint8_t *family = AT(text->family, uint8_t);
    size_t families = text->rates.size, edges = text->base.size, low, high;
    double logs[256];

    if (families > 256 || text->family.size != edges || text->first.size != text->keep_unit.size + 1) return BAD_EDGE;
    for (size_t f = 0; f < families; f++) logs[f] = rates[f] != 0.0 ? log(rates[f]) : -1e9;
    for (size_t token = 0; token < text->keep_unit.size; token++) {
        double swapped = 0.0;
        TRY(edges_of(text, token, edges, &low, &high));
        TRY(swap_of(text, token, families, &swap));
        for (size_t f = 0; swap && f < families; f++) swapped += rates[f] * swap[f];
        text->found[low] = base[low] + (swap ? log1p(-(swapped < 0.999 ? swapped : 0.999)) : 0.0);
        for (size_t edge = low + 1; edge < high; edge++) {
            if (family[edge] >= families) return BAD_EDGE;
            text->found[edge] = base[edge] + logs[family[edge]];
        }
    }
    return NULL;
}

static Error count_sentence(const Text *text, size_t start, size_t stop, double share)
{
    const double *posterior = AT(text->posterior, double);
    size_t families = text->rates.size, low, high;
    const float *swap;

    for (size_t token = start; token < stop; token++) {
        TRY(edges_of(text, token, text->posterior.size, &low, &high));
        TRY(swap_of(text, token, families, &swap));
        for (size_t f = 0; swap && f < families; f++) text->found[families + f] += share * posterior[low] * swap[f];
        for (size_t edge = low + 1; edge < high; edge++) {
            uint8_t family = AT(text->family, uint8_t)[edge];
            if (family >= families) return BAD_EDGE;
            text->found[family] += share * posterior[edge];
        }
    }
    return NULL;
}

static Error count_text(Text *text)
{
    const uint32_t *range = AT(text->sentences, uint32_t);

    if (text->family.size != text->posterior.size || text->sentences.size != 2 * text->spun.size) return BAD_EDGE;
    for (size_t n = 0; n < text->spun.size; n++)
        TRY(count_sentence(text, range[2 * n], range[2 * n + 1], AT(text->spun, double)[n]));
    return NULL;
}

/* What an original became: how often in the whole text, and in the sentence numbered ``stamp``. */
typedef struct {
    uint64_t key; /* 0 marks an empty place */
    uint64_t unit;
    double whole, here;
    size_t stamp;
} Tally;

typedef struct {
    const Text *text;
    Tally *table; /* open addressing; at least half of the places stay empty */
    size_t mask;
    Tally **seen; /* in the sentence, in order */
    size_t seen_count, stamp;
} Habits;

enum { ORIGINAL = 1, KEPT, SWAPPED };

static uint64_t key_of(int kind, int32_t id)
{
    return (uint64_t)kind << 32 | (uint32_t)id;
}

static Tally *tally_of(const Habits *habits, uint64_t key)
{
    size_t at = (size_t)(key * HASH_MULTIPLIER >> 32);
    while (habits->table[at & habits->mask].key && habits->table[at & habits->mask].key != key) at++;
    return &habits->table[at & habits->mask];
}

static double here(const Habits *habits, const Tally *tally)
{
    return tally->stamp == habits->stamp ? tally->here : 0.0;
}

/* The original an edge speaks of and what became of it; 0 if it speaks of none. */
static Error outcome(const Text *text, size_t token, size_t edge, uint64_t *unit, uint64_t *key)
{
    int32_t pair = AT(text->pair, int32_t)[edge], kept = AT(text->keep_unit, int32_t)[token];

    if (pair != KEEP && (pair < 0 || (size_t)pair >= text->pair_weight.size)) return BAD_UNIT;
    *unit = pair != KEEP ? key_of(ORIGINAL, AT(text->unit, int32_t)[edge]) : kept != KEEP ? key_of(ORIGINAL, kept) : 0;
    *key = pair != KEEP ? key_of(SWAPPED, pair) : key_of(KEPT, kept);
    return NULL;
}

/* Count what is used in a sentence, and the first time add it to the whole. */
static Error tally_sentence(Habits *habits, size_t start, size_t stop, int first_time)
{
    const Text *text = habits->text;
    const double *posterior = AT(text->posterior, double);
    size_t low, high;

    habits->stamp++;
    habits->seen_count = 0;
    for (size_t token = start; token < stop; token++) {
        TRY(edges_of(text, token, text->posterior.size, &low, &high));
        for (size_t edge = low; edge < high; edge++) {
            uint64_t unit, key;
            if (!(posterior[edge] > text->least_use)) continue;
            TRY(outcome(text, token, edge, &unit, &key));
            if (!unit) continue;
            Tally *tally = tally_of(habits, key);
            if (tally->stamp != habits->stamp) {
                *tally = (Tally){key, unit, tally->whole, 0.0, habits->stamp};
                habits->seen[habits->seen_count++] = tally;
            }
            tally->here += posterior[edge];
        }
    }
    for (size_t n = 0; n < habits->seen_count; n++) {
        Tally *tally = habits->seen[n], *unit = tally_of(habits, tally->unit);
        *unit = (Tally){tally->unit, 0, unit->whole, here(habits, unit) + tally->here, habits->stamp};
        if (first_time) {
            tally->whole += tally->here;
            unit->whole += tally->here;
        }
    }
    return NULL;
}

static Error learn_sentence(const Habits *habits, size_t start, size_t stop)
{
    const Text *text = habits->text;
    const double *score = AT(text->score, double);
    size_t low, high;

    for (size_t token = start; token < stop; token++) {
        TRY(edges_of(text, token, text->score.size, &low, &high));
        for (size_t edge = low; edge < high; edge++) {
            uint64_t unit, key;
            int32_t pair = AT(text->pair, int32_t)[edge];
            TRY(outcome(text, token, edge, &unit, &key));
            if (!unit) continue;
            const Tally *original = tally_of(habits, unit), *became = tally_of(habits, key);
            double others = original->whole - here(habits, original), same = became->whole - here(habits, became);
            if (others <= text->least_seen) continue;
            double log_prior = score[edge] - AT(text->base, float)[edge];
            if (pair != KEEP) log_prior += AT(text->pair_weight, float)[pair];
            double prior = exp(log_prior);
            if (!(prior > 0.0)) continue; /* of a family that is ruled out */
            same = same > 0.0 ? same : 0.0;
            text->found[edge] = score[edge] + log((text->habit * prior + same) / (text->habit + others)) - log_prior;
        }
    }
    return NULL;
}

static Error learn_all(Habits *habits)
{
    const Text *text = habits->text;
    const uint32_t *range = AT(text->sentences, uint32_t);
    size_t edges = text->score.size, uses = 0, room = 4;

    if (text->unit.size != edges || text->pair.size != edges || text->base.size != edges || text->posterior.size != edges)
        return BAD_EDGE;
    if (text->sentences.size % 2) return BAD_SENTENCE;
    for (size_t edge = 0; edge < edges; edge++) uses += AT(text->posterior, double)[edge] > text->least_use;
    while (room < 4 * uses) room *= 2; /* each use has two keys */
    habits->table = calloc(room, sizeof *habits->table);
    habits->seen = calloc(uses + 1, sizeof *habits->seen);
    habits->mask = room - 1;
    if (!habits->table || !habits->seen) return NO_MEMORY;
    for (size_t n = 0; n < text->sentences.size; n += 2) TRY(tally_sentence(habits, range[n], range[n + 1], 1));
    for (size_t n = 0; n < text->sentences.size; n += 2) {
        TRY(tally_sentence(habits, range[n], range[n + 1], 0));
        TRY(learn_sentence(habits, range[n], range[n + 1]));
    }
    return NULL;
}

static Error learn_text(Text *text)
{
    Habits habits = {.text = text};
    memcpy(text->found, text->score.data, text->score.size * sizeof(double));
    Error error = learn_all(&habits);
    free(habits.table);
    free(habits.seen);
    return error;
}

static PyObject *score_edges(PyObject *module, PyObject *args)
{
    Held held = {.count = 0};
    Text t = {.found = NULL};
    int ready = take(&held, args, "fiIBfd", &t.unit_swap, &t.keep_unit, &t.first, &t.family, &t.base, &t.rates);
    return answer(&held, ready, &t, t.base.size, score_text);
}

static PyObject *count_swaps(PyObject *module, PyObject *args)
{
    Held held = {.count = 0};
    Text t = {.found = NULL};
    int ready = take(&held, args, "fiIBIddd", &t.unit_swap, &t.keep_unit, &t.first, &t.family, &t.sentences, &t.posterior,
                     &t.spun, &t.rates);
    return answer(&held, ready, &t, 2 * t.rates.size, count_text);
}

static PyObject *learn_habits(PyObject *module, PyObject *args)
{
    Held held = {.count = 0};
    Text t = {.found = NULL};
    int ready = take(&held, args, "iIiifIfdd...", &t.keep_unit, &t.first, &t.unit, &t.pair, &t.base, &t.sentences,
                     &t.pair_weight, &t.posterior, &t.score, &t.habit, &t.least_use, &t.least_seen);
    return answer(&held, ready, &t, t.score.size, learn_text);
}

/* -- sum_trees (rerank.py) ----------------------------------------------------------------------------------------- */

typedef struct {
    Array roots, feature, threshold, left, right, table;
    int rows;
    double baseline, *found;
} Trees;

/* A node asks whether a feature of the row is at most its threshold; what the leaves say is summed. */
static Error sum_row(const Trees *trees, const double *row, size_t columns, double *total)
{
    size_t nodes = trees->feature.size;

    *total = trees->baseline;
    for (size_t n = 0; n < trees->roots.size; n++) {
        size_t node = AT(trees->roots, uint32_t)[n];
        int32_t column;
        if (node >= nodes) return BAD_TREE;
        while ((column = AT(trees->feature, int32_t)[node]) >= 0) {
            if ((size_t)column >= columns) return BAD_TREE;
            int less = row[column] <= AT(trees->threshold, double)[node];
            size_t next = AT(less ? trees->left : trees->right, uint32_t)[node];
            if (next <= node || next >= nodes) return BAD_TREE; /* children come later, so every walk ends */
            node = next;
        }
        *total += AT(trees->threshold, double)[node];
    }
    return NULL;
}

static Error sum_rows(const Trees *trees)
{
    size_t nodes = trees->feature.size, rows = (size_t)trees->rows, columns = rows ? trees->table.size / rows : 0;

    if (trees->threshold.size != nodes || trees->left.size != nodes || trees->right.size != nodes) return BAD_TREE;
    for (size_t n = 0; n < rows; n++)
        TRY(sum_row(trees, AT(trees->table, double) + n * columns, columns, &trees->found[n]));
    return NULL;
}

static PyObject *sum_trees(PyObject *module, PyObject *args)
{
    Held held = {.count = 0};
    Trees t;
    PyObject *found = NULL;
    Error error;

    if (take(&held, args, "IidIId#.", &t.roots, &t.feature, &t.threshold, &t.left, &t.right, &t.table, &t.rows, &t.baseline) &&
        t.rows >= 0 && (found = new_doubles((size_t)t.rows, &t.found))) {
        Py_BEGIN_ALLOW_THREADS
        error = sum_rows(&t);
        Py_END_ALLOW_THREADS
        if (raise(error) < 0) Py_CLEAR(found);
    } else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "fewer than no rows");
    }
    release(&held);
    return found;
}

/* -- the module ---------------------------------------------------------------------------------------------------- */

static PyMethodDef methods[] = { /* signatures: _kernel.pyi */
    {"scan", scan, METH_VARARGS, "Tokens, which of them are names, where sentences begin; None if the twin must do it."},
    {"find_edges", find_edges, METH_VARARGS, "The arrays of Edges."},
    {"expand", expand, METH_VARARGS, "The arrays of a Graph."},
    {"log_best", log_best, METH_VARARGS, "Score of the best path through each sentence."},
    {"log_genuine", log_genuine, METH_VARARGS, "Weighted log-likelihood of each sentence as it stands."},
    {"forward_backward", forward_backward, METH_VARARGS, "Log-likelihood of each sentence and posterior of each edge."},
    {"score_edges", score_edges, METH_VARARGS, "Channel score of each edge."},
    {"count_swaps", count_swaps, METH_VARARGS, "Expected words swapped by each family, then those kept."},
    {"learn_habits", learn_habits, METH_VARARGS, "Edge scores that heed what each original became elsewhere."},
    {"sum_trees", sum_trees, METH_VARARGS, "Log-odds that an additive model gives to each row of features."},
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
