/* One pass over the JSON text of an object that keeps only the values at the paths of a tree: plain C, no Python.

   All of the text is validated (json_text.h says what is valid), but what no path leads to is skipped. What is accepted
   is valid; what is not may be so, too: the caller has a slower reader for errors and for what is rare. */
#ifndef FASTCORE_JSON_WALK_H
#define FASTCORE_JSON_WALK_H

#include "bitmap.h"
#include "json_text.h"

enum { JSON_DEPTH = 128 };

typedef struct {
    uint64_t low;     /* how the key begins: its first 16 bytes, zeros where it is shorter */
    uint64_t high;
    const char *key;
    ptrdiff_t size;
    int32_t level;    /* of its members; -1 where none is read */
} json_node;

typedef struct {
    int32_t first;    /* its keys are the nodes first to last - 1 */
    int32_t last;
    int32_t mask;     /* entries of the hash table less one */
    int32_t indexed;  /* whether some key also means an element of an array */
    int32_t *table;   /* hash of a key -> its node; -1 in an empty entry */
} json_level;

typedef struct {
    json_node *nodes;
    json_level *levels;
} json_tree;

/* How a key begins: looked up without a branch on its size where the text goes on for long enough */
static inline void json_begin(const char *key, ptrdiff_t size, const char *end, uint64_t *low, uint64_t *high)
{
    char block[16] = {0};
    if (JSON_LITTLE_ENDIAN && end - key >= 16) {
        memcpy(low, key, 8);
        memcpy(high, key + 8, 8);
        *low &= size >= 8 ? ~(uint64_t)0 : ~(~(uint64_t)0 << 8 * size);
        *high &= size >= 16 ? ~(uint64_t)0 : size <= 8 ? 0 : ~(~(uint64_t)0 << 8 * (size - 8));
        return;
    }
    memcpy(block, key, size < 16 ? (size_t)size : 16);
    memcpy(low, block, 8);
    memcpy(high, block + 8, 8);
}

static inline uint64_t json_hash(const char *key, ptrdiff_t size, uint64_t low, uint64_t high)
{
    uint64_t hash = low * 0x9E3779B97F4A7C15u ^ high * 0xD6E8FEB86659FD93u;
    return size > 16 ? bitmap_hash(key, size) : hash ^ hash >> 32;
}

/* The node of a key, -1 if there is none */
static inline int32_t json_find(const json_tree *tree, const json_level *level, const char *key, ptrdiff_t size,
                                const char *end)
{
    uint64_t low, high;
    json_begin(key, size, end, &low, &high);
    for (int32_t at = (int32_t)json_hash(key, size, low, high) & level->mask;; at = (at + 1) & level->mask) {
        int32_t number = level->table[at];
        const json_node *node = tree->nodes + number;
        if (number < 0)
            return -1;
        if (node->low == low && node->high == high && node->size == size
            && (size <= 16 || bitmap_same(node->key, key, size)))
            return number;
    }
}

/* Enters a key, which must stay where it is, into the table of its level */
static inline void json_enter(const json_tree *tree, const json_level *level, int32_t number, const char *key,
                              ptrdiff_t size)
{
    json_node *node = tree->nodes + number;
    node->key = key;
    node->size = size;
    json_begin(key, size, key + size, &node->low, &node->high);
    int32_t at = (int32_t)json_hash(key, size, node->low, node->high) & level->mask;
    while (level->table[at] >= 0)
        at = (at + 1) & level->mask;
    level->table[at] = number;
}

/* Takes back what the members of an earlier value have set */
static void json_forget(const json_tree *tree, int32_t number, json_token *tokens)
{
    const json_level *level = tree->levels + number;
    for (int32_t node = level->first; node < level->last; node++) {
        if (tokens[node].kind == JSON_OBJECT && tree->nodes[node].level >= 0)
            json_forget(tree, tree->nodes[node].level, tokens);
        tokens[node].kind = JSON_ABSENT;
    }
}

/* Behind a value that is no container */
static inline const char *json_scalar(const char *at, const char *end, json_token *token)
{
    switch (*at) {
    case '"': {
        int escaped = 0;
        token->text = at + 1;
        at = json_string(at + 1, end, &escaped);
        if (!at)
            return NULL;
        token->size = at - token->text;
        token->kind = escaped ? JSON_ESCAPED : JSON_STRING;
        return at + 1;
    }
    case 't':
        token->kind = JSON_TRUE;
        return end - at >= 4 && !memcmp(at, "true", 4) ? at + 4 : NULL;
    case 'f':
        token->kind = JSON_FALSE;
        return end - at >= 5 && !memcmp(at, "false", 5) ? at + 5 : NULL;
    case 'n':
        token->kind = JSON_NULL;
        return end - at >= 4 && !memcmp(at, "null", 4) ? at + 4 : NULL;
    default:
        return json_number(at, end, token);
    }
}

/* At the value behind a key, given the key's quote; `size` is then that of the key, negative if it has escapes */
static inline const char *json_key(const char *at, const char *end, ptrdiff_t *size)
{
    int escaped = 0;
    const char *key = at + 1;
    if (*at != '"')
        return NULL;
    at = json_string(key, end, &escaped);
    if (!at)
        return NULL;
    *size = escaped ? -1 : at - key;
    at = json_blank(at + 1);
    return *at == ':' ? json_blank(at + 1) : NULL;
}

/* Behind an array or object in which containers nest at most `room` deep, itself included; NULL if it is not valid */
static const char *json_skip(const char *at, const char *end, int room)
{
    uint64_t objects[JSON_DEPTH / 64] = {0};  /* which of the open containers are objects */
    int open = 0, in_object;
    ptrdiff_t size;
    json_token token;
    for (;;) {
        if (*at == '{' || *at == '[') {
            uint64_t bit = (uint64_t)1 << (open & 63);
            in_object = *at == '{';
            if (open == room)
                return NULL;
            if (in_object)
                objects[open >> 6] |= bit;
            else
                objects[open >> 6] &= ~bit;
            open++;
            at = json_blank(at + 1);
            if (*at != (in_object ? '}' : ']')) {
                if (in_object && !(at = json_key(at, end, &size)))
                    return NULL;
                continue;
            }
        } else {
            at = json_scalar(at, end, &token);
            if (!at)
                return NULL;
            at = json_blank(at);
            in_object = (int)(objects[(open - 1) >> 6] >> ((open - 1) & 63) & 1);
        }
        while (*at == (in_object ? '}' : ']')) {
            at++;
            if (--open == 0)
                return at;
            at = json_blank(at);
            in_object = (int)(objects[(open - 1) >> 6] >> ((open - 1) & 63) & 1);
        }
        if (*at != ',')
            return NULL;
        at = json_blank(at + 1);
        if (in_object && !(at = json_key(at, end, &size)))
            return NULL;
    }
}

/* Behind a value whose members are not read */
static inline const char *json_value(const char *at, const char *end, int room, json_token *token)
{
    if (*at == '{') {
        token->kind = JSON_OBJECT;
        return json_skip(at, end, room);
    }
    if (*at == '[') {
        token->kind = *json_blank(at + 1) == ']' ? JSON_EMPTY_ARRAY : JSON_ARRAY;
        return json_skip(at, end, room);
    }
    return json_scalar(at, end, token);
}

/* Reads the values of all nodes; of keys that occur twice the last counts, with all its members.

   `tokens`, one per node, are JSON_ABSENT at first. Arrays and objects nest at most `depth` (up to JSON_DEPTH) deep.
   Returns 0 if the text is not valid, or is but needs the slower reader: keys with escapes on the way to a value, an
   array where a path may mean its elements, an integer of more than JSON_MAX_DIGITS digits. */
static int json_walk(const json_tree *tree, const char *text, ptrdiff_t size, int depth, json_token *tokens)
{
    const json_level *open[JSON_DEPTH], *level = tree->levels;
    const char *end = text + size, *at = json_blank(text);
    json_token skipped;
    int top = 0;
    if (*at != '{' || depth < 1)
        return 0;
    at = json_blank(at + 1);
    if (*at == '}')
        return json_blank(at + 1) == end;
    for (;;) {
        ptrdiff_t key_size;
        const char *key = at + 1;
        at = json_key(at, end, &key_size);
        if (!at || key_size < 0)
            return 0;
        int32_t node = json_find(tree, level, key, key_size, end);
        json_token *token = node < 0 ? &skipped : tokens + node;
        int32_t members = node < 0 ? -1 : tree->nodes[node].level;
        if (members >= 0) {
            if (token->kind == JSON_OBJECT)
                json_forget(tree, members, tokens);
            if (*at == '{') {
                if (top + 2 > depth)
                    return 0;
                token->kind = JSON_OBJECT;
                at = json_blank(at + 1);
                if (*at != '}') {
                    open[top++] = level;
                    level = tree->levels + members;
                    continue;
                }
                at++;
                goto behind;
            }
            if (*at == '[' && tree->levels[members].indexed)
                return 0;
        }
        at = json_value(at, end, depth - top - 1, token);
        if (!at)
            return 0;
    behind:
        at = json_blank(at);
        while (*at == '}') {
            at = json_blank(at + 1);
            if (top == 0)
                return at == end;
            level = open[--top];
        }
        if (*at != ',')
            return 0;
        at = json_blank(at + 1);
    }
}

#endif
