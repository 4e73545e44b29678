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
is_trace(MilterSlice name)
{
    const MmHeader header = {.name = name};

    for (guint i = 0; i < G_N_ELEMENTS(trace_names); i++) {
        if (mm_headers_is_named(&header, trace_names[i]))
            return TRUE;
    }
    return FALSE;
}

/* The first header of that name that an ADD_HEADER fills. */
static guint
find_to_fill(MmHeaders *headers, MilterSlice name)
{
    return is_trace(name) ? MM_HEADERS_NONE : mm_headers_find(headers, name, MM_HEADERS_OWN, 1);
}

/* What a CHANGE_HEADER of index means among the headers that are counted by it (USER: to the stage;
 * COUNTED: to the MTA): that instance, or the last one of those that are not. An index that is
 * negative as a signed number is 1, as 0 is. */
static guint
find_to_change(MmHeaders *headers, MilterSlice name, guint32 index, MmHeaderSet counted,
               MmHeaderSet hidden)
{
    guint32 nth = index > G_MAXINT32 ? 1 : MAX(index, 1u);
    guint place = mm_headers_find(headers, name, counted, nth);

    if (place != MM_HEADERS_NONE || is_trace(name))
        return place;
    return mm_headers_find(headers, name, hidden,
                           mm_headers_rank(headers, name, hidden, MM_HEADERS_NONE));
}

guint
mm_headers_find_sendmail(MmHeaders *headers, MilterSlice name, guint32 index)
{
    return find_to_change(headers, name, index, MM_HEADERS_USER, MM_HEADERS_OWN);
}

/* Which one the MTA would change. */
static guint
find_for_mta(MmHeaders *headers, MilterSlice name, guint32 index)
{
    return find_to_change(headers, name, index, MM_HEADERS_COUNTED, MM_HEADERS_UNCOUNTED);
}

/* The index by which the MTA finds the header at place; for a hidden one, or none, the first that
 * is beyond all. */
static guint32
mta_index(MmHeaders *headers, MilterSlice name, guint place)
{
    if (place != MM_HEADERS_NONE && (mm_headers_at(headers, place)->flags & MM_HEADER_COUNTED) == 0)
        place = MM_HEADERS_NONE;
    return mm_headers_rank(headers, name, MM_HEADERS_COUNTED, place) + 1;
}

/* In front of the first of that name, hidden or not, else at the end. */
static void
add(MmHeaders *headers, MmHeader *header, MilterSlice name)
{
    guint place = mm_headers_find(headers, name, MM_HEADERS_ALL, 1);

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
    fill(mm_headers_edit(headers, place), header.value);
}

static void
apply_change(MmHeaders *headers, MmEdits *edits, guint i, gboolean leading_space)
{
    const MilterEdit *edit = mm_edits_get(edits, i);
    MmHeader header = {.flags = MM_HEADER_USER | MM_HEADER_COUNTED};
    guint place = mm_headers_find_sendmail(headers, edit->name, edit->index);

    if (place != find_for_mta(headers, edit->name, edit->index))
        mm_edits_set_change(edits, i, mta_index(headers, edit->name, place));
    if (edit->value.size == 0) {
        if (place != MM_HEADERS_NONE)
            mm_headers_edit(headers, place)->flags |= MM_HEADER_DELETED;
        return;
    }
    header.value = mm_headers_take_value(headers, edit, leading_space);
    if (place == MM_HEADERS_NONE)
        add(headers, &header, edit->name);
    else
        fill(mm_headers_edit(headers, place), header.value);
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
