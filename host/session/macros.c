/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/macros.h"

#include "wire/negotiate.h"

#include <string.h>

/* A longer block is not kept for the next set. */
#define KEEP_SIZE 4096u
#define FIRST_SIZE 256u

/* The list and the text it points to lie in one block, which is kept: an MTA defines a handful of
 * sets with every message. */
typedef struct MacroSet {
    MilterMacro *block;
    gsize room; /* bytes of block */
    gsize n;    /* macros, at the start of block */
    const char *text;
    gsize size;     /* of text; 0: the set is empty */
    gboolean spent; /* its command came */
} MacroSet;

struct MmMacros {
    MacroSet sets[MILTER_N_EVENTS];
};

MmMacros *
mm_macros_new(void)
{
    return g_new0(MmMacros, 1);
}

static void
set_clear(MacroSet *set)
{
    set->n = 0;
    set->size = 0;
    if (set->room <= KEEP_SIZE)
        return;
    g_clear_pointer(&set->block, g_free);
    set->room = 0;
}

void
mm_macros_free(MmMacros *macros)
{
    if (!macros)
        return;
    for (guint i = 0; i < MILTER_N_EVENTS; i++)
        g_free(macros->sets[i].block);
    g_free(macros);
}

static gsize
count_strings(MmStrings strings)
{
    MmSlice string;
    gsize n = 0;
    while (mm_strings_next(&strings, &string))
        n++;
    return n;
}

/* Room for n macros and size bytes of text behind them. */
static char *
make_room(MacroSet *set, gsize n, gsize size)
{
    gsize needed = n * sizeof(MilterMacro) + size;
    if (needed > set->room) {
        set->room = MAX(needed, FIRST_SIZE);
        g_free(set->block);
        set->block = g_malloc(set->room);
    }
    return (char *)(set->block + n);
}

static void
set_fill(MacroSet *set, MmStrings pairs)
{
    gsize size = (gsize)(pairs.end - pairs.next);
    gsize n = count_strings(pairs) / 2;
    char *text = make_room(set, n, size);
    memcpy(text, pairs.next, size);
    set->text = text;
    set->size = size;
    MmStrings strings = {text, text + size};
    MmSlice name, value;
    while (set->n < n && mm_strings_next(&strings, &name) && mm_strings_next(&strings, &value))
        set->block[set->n++] = (MilterMacro){name.data, value.data};
}

static gboolean
event_of(guint8 code, MilterEventKind *kind)
{
    static const MilterEventKind events[MM_N_COMMANDS] = {
        [MM_COMMAND_CONNECT] = MILTER_EVENT_CONNECT,
        [MM_COMMAND_HELO] = MILTER_EVENT_HELO,
        [MM_COMMAND_MAIL] = MILTER_EVENT_MAIL,
        [MM_COMMAND_RCPT] = MILTER_EVENT_RCPT,
        [MM_COMMAND_DATA] = MILTER_EVENT_DATA,
        [MM_COMMAND_UNKNOWN] = MILTER_EVENT_UNKNOWN,
        [MM_COMMAND_HEADER] = MILTER_EVENT_HEADER,
        [MM_COMMAND_END_OF_HEADERS] = MILTER_EVENT_END_OF_HEADERS,
        [MM_COMMAND_BODY] = MILTER_EVENT_BODY,
        [MM_COMMAND_END_OF_MESSAGE] = MILTER_EVENT_END_OF_MESSAGE,
    };
    MmCommandKind command;
    if (!mm_command_kind_from_code(code, &command) || command < MM_COMMAND_CONNECT ||
        command > MM_COMMAND_END_OF_MESSAGE)
        return FALSE;
    *kind = events[command];
    return TRUE;
}

void
mm_macros_define(MmMacros *macros, const MmCommand *command)
{
    MilterEventKind kind;
    if (!event_of(command->u.macro.stage, &kind))
        return;
    MacroSet *set = &macros->sets[kind];
    const char *start = command->u.macro.pairs.next;
    gsize size = (gsize)(command->u.macro.pairs.end - start);
    set->spent = FALSE;
    if (size > 0 && size == set->size && memcmp(start, set->text, size) == 0)
        return; /* Postfix repeats the same set with every header */
    set_clear(set);
    if (size > 0)
        set_fill(set, command->u.macro.pairs);
}

void
mm_macros_begin(MmMacros *macros, MilterEventKind kind)
{
    static const MilterEventKind later[] = {
        MILTER_EVENT_HELO, MILTER_EVENT_MAIL,           MILTER_EVENT_RCPT,
        MILTER_EVENT_DATA, MILTER_EVENT_END_OF_HEADERS, MILTER_EVENT_END_OF_MESSAGE};
    MacroSet *own = &macros->sets[kind];
    if (own->spent)
        set_clear(own);
    own->spent = TRUE;
    if (kind == MILTER_EVENT_MAIL) {
        set_clear(&macros->sets[MILTER_EVENT_HEADER]);
        set_clear(&macros->sets[MILTER_EVENT_BODY]);
    }
    if (kind > MILTER_EVENT_RCPT)
        return;
    for (guint i = kind; i < G_N_ELEMENTS(later); i++)
        set_clear(&macros->sets[later[i]]);
}

size_t
mm_macros_list(MmMacros *macros, MilterEventKind kind, const MilterMacro **list)
{
    const MacroSet *set = kind < MILTER_N_EVENTS ? &macros->sets[kind] : NULL;
    *list = set && set->n > 0 ? set->block : NULL;
    return set ? set->n : 0;
}

const char *
mm_macros_find(MmMacros *macros, const char *name)
{
    static const MilterEventKind order[] = {
        MILTER_EVENT_END_OF_MESSAGE, MILTER_EVENT_END_OF_HEADERS, MILTER_EVENT_DATA,
        MILTER_EVENT_RCPT,           MILTER_EVENT_MAIL,           MILTER_EVENT_HELO,
        MILTER_EVENT_CONNECT};
    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        const MilterMacro *list;
        size_t n = mm_macros_list(macros, order[i], &list);
        for (size_t j = 0; j < n; j++) {
            if (mm_symbol_equal(list[j].name, name))
                return list[j].value;
        }
    }
    return NULL;
}
