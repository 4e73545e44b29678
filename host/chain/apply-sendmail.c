/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Sendmail does with header operations (milter.c, headers.c): deleted headers keep their place
 * and number until the next filter is shown headers, and the headers that sendmail.cf defines stand
 * hidden in front of those of the message, to be filled by operations on their names. */
#include "chain/headers.h"

/* The H lines of the stock sendmail.cf, in its order. */
static const MilterSlice hidden_names[] = {
    {"Return-Path", 11}, {"Received", 8},           {"Resent-Date", 11},
    {"Date", 4},         {"Resent-From", 11},       {"From", 4},
    {"Full-Name", 9},    {"Resent-Message-Id", 17}, {"Message-Id", 10},
};

/* The header names that conf.c marks as trace: a hidden one of these is never filled. */
static const MilterSlice trace_names[] = {
    {"Received", 8},
    {"X400-Received", 13},
    {"Via", 3},
    {"Mail-From", 9},
};

void
mm_headers_hide_sendmail(MmHeaders *headers)
{
    for (guint i = 0; i < G_N_ELEMENTS(hidden_names); i++) {
        MmHeader header = {.name = hidden_names[i], .value = {"", 0}};

        mm_headers_insert(headers, i, &header);
    }
}

static gboolean
is_trace(const MmHeader *header)
{
    for (guint i = 0; i < G_N_ELEMENTS(trace_names); i++) {
        if (mm_headers_is_named(header, trace_names[i]))
            return TRUE;
    }
    return FALSE;
}

static gboolean
may_be_filled(const MmHeader *header)
{
    return (header->flags & MM_HEADER_USER) == 0 && !is_trace(header);
}

/* The first header of that name that an ADD_HEADER fills. */
static guint
find_to_fill(const MmHeaders *headers, MilterSlice name)
{
    for (guint place = 0; place < mm_headers_count(headers); place++) {
        const MmHeader *header = mm_headers_at(headers, place);

        if (mm_headers_is_named(header, name) && may_be_filled(header))
            return place;
    }
    return MM_HEADERS_NONE;
}

/* What a CHANGE_HEADER of index means among the headers that have the flag (USER: to the stage;
 * COUNTED: to the MTA): that instance, or the last one of those without the flag. */
static guint
find_to_change(const MmHeaders *headers, MilterSlice name, guint32 index, guint32 flag)
{
    gint32 left = (gint32)index;
    guint hidden = MM_HEADERS_NONE;

    for (guint place = 0; place < mm_headers_count(headers); place++) {
        const MmHeader *header = mm_headers_at(headers, place);

        if (!mm_headers_is_named(header, name))
            continue;
        if ((header->flags & flag) == 0) {
            hidden = is_trace(header) ? hidden : place;
            continue;
        }
        if (left <= 1)
            return place;
        left--;
    }
    return hidden;
}

guint
mm_headers_find_sendmail(const MmHeaders *headers, MilterSlice name, guint32 index)
{
    return find_to_change(headers, name, index, MM_HEADER_USER);
}

/* The index by which the MTA finds the header at place; for a hidden one, or none, the first that
 * is beyond all. */
static guint32
mta_index(const MmHeaders *headers, MilterSlice name, guint place)
{
    guint32 index = 1;

    for (guint i = 0; i < mm_headers_count(headers); i++) {
        const MmHeader *header = mm_headers_at(headers, i);

        if ((header->flags & MM_HEADER_COUNTED) == 0 || !mm_headers_is_named(header, name))
            continue;
        if (i == place)
            return index;
        index++;
    }
    return index;
}

/* In front of the first of that name, hidden or not, else at the end. */
static void
add(MmHeaders *headers, MmHeader *header, MilterSlice name)
{
    guint place = 0;

    while (place < mm_headers_count(headers) &&
           !mm_headers_is_named(mm_headers_at(headers, place), name))
        place++;
    header->name = mm_arena_copy(&headers->texts, name);
    mm_headers_insert(headers, place, header);
}

/* The name keeps its spelling. */
static void
fill(MmHeader *header, MilterSlice value)
{
    header->value = value;
    header->flags = MM_HEADER_USER | MM_HEADER_COUNTED;
}

static void
apply_add(MmHeaders *headers, MmEdits *edits, guint i, gboolean leading_space)
{
    const MilterEdit *edit = mm_edits_get(edits, i);
    MmHeader header = {.flags = MM_HEADER_USER | MM_HEADER_COUNTED};
    guint place = find_to_fill(headers, edit->name);

    header.value = mm_headers_take_value(headers, edit, leading_space);
    if (place == MM_HEADERS_NONE) {
        add(headers, &header, edit->name);
        return;
    }
    /* A place that a stage deleted is hidden to the next one, but not so to the MTA. */
    if ((mm_headers_at(headers, place)->flags & MM_HEADER_COUNTED) != 0)
        mm_edits_set_change(edits, i, mta_index(headers, edit->name, place));
    fill(mm_headers_at(headers, place), header.value);
}

static void
apply_change(MmHeaders *headers, MmEdits *edits, guint i, gboolean leading_space)
{
    const MilterEdit *edit = mm_edits_get(edits, i);
    MmHeader header = {.flags = MM_HEADER_USER | MM_HEADER_COUNTED};
    guint place = find_to_change(headers, edit->name, edit->index, MM_HEADER_USER);

    if (place != find_to_change(headers, edit->name, edit->index, MM_HEADER_COUNTED))
        mm_edits_set_change(edits, i, mta_index(headers, edit->name, place));
    if (edit->value.size == 0) {
        if (place != MM_HEADERS_NONE)
            mm_headers_at(headers, place)->flags |= MM_HEADER_DELETED;
        return;
    }
    header.value = mm_headers_take_value(headers, edit, leading_space);
    if (place == MM_HEADERS_NONE)
        add(headers, &header, edit->name);
    else
        fill(mm_headers_at(headers, place), header.value);
}

/* Behind the header at index, counted from 0; an index that is negative as a signed number is 0. */
static void
apply_insert(MmHeaders *headers, const MilterEdit *edit, gboolean leading_space)
{
    MmHeader header = {.flags = MM_HEADER_USER | MM_HEADER_COUNTED};
    guint32 index = edit->index > G_MAXINT32 ? 0 : edit->index;

    header.name = mm_arena_copy(&headers->texts, edit->name);
    header.value = mm_headers_take_value(headers, edit, leading_space);
    mm_headers_insert(headers, index + 1, &header);
}

void
mm_headers_apply_sendmail(MmHeaders *headers, MmEdits *edits, guint i, gboolean leading_space)
{
    const MilterEdit *edit = mm_edits_get(edits, i);

    if (edit->kind == MILTER_EDIT_ADD_HEADER)
        apply_add(headers, edits, i, leading_space);
    else if (edit->kind == MILTER_EDIT_CHANGE_HEADER)
        apply_change(headers, edits, i, leading_space);
    else
        apply_insert(headers, edit, leading_space);
}
