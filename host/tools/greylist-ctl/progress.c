/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/greylist-ctl/ctl.h"

#include <stdio.h>
#include <unistd.h>

#define WIDTH 40u
#define QUIET_MICROSECONDS G_USEC_PER_SEC
#define REDRAW_MICROSECONDS (G_USEC_PER_SEC / 10)

void
progress_begin(Progress *progress, const char *title, guint64 total)
{
    *progress = (Progress){.title = title,
                           .total = total,
                           .began = g_get_monotonic_time(),
                           .terminal = isatty(STDERR_FILENO) == 1};
}

static void
draw(const Progress *progress, guint64 n)
{
    char bar[WIDTH + 1];
    guint64 shown = progress->total > 0 ? MIN(n, progress->total) : 0;
    guint filled = progress->total > 0 ? (guint)(shown * WIDTH / progress->total) : 0;
    for (guint i = 0; i < WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[WIDTH] = '\0';
    if (progress->total > 0)
        fprintf(stderr, "\r%s [%s] %3u%% %" G_GUINT64_FORMAT, progress->title, bar,
                (guint)(shown * 100 / progress->total), n);
    else
        fprintf(stderr, "\r%s %" G_GUINT64_FORMAT, progress->title, n);
    fflush(stderr);
}

void
progress_at(Progress *progress, guint64 n)
{
    gint64 now = g_get_monotonic_time();
    if (!progress->terminal || now - progress->began < QUIET_MICROSECONDS ||
        now - progress->drawn < REDRAW_MICROSECONDS)
        return;
    progress->drawn = now;
    draw(progress, n);
}

void
progress_end(Progress *progress)
{
    if (progress->drawn == 0)
        return;
    if (progress->total > 0)
        draw(progress, progress->total);
    fputc('\n', stderr);
}
