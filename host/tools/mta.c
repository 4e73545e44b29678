/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/mta.h"

#include "base/i18n.h"
#include "tools/escape.h"

#include <errno.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A filter may replace a body in one packet. */
#define REPLY_MAX (64u * 1024u * 1024u)

MmMta *
mm_mta_connect(const MmAddress *address, const MmMtaTimeouts *timeouts, GError **error)
{
    int fd = mm_mta_open(address, timeouts->connection, error);
    if (fd < 0)
        return NULL;
    MmMta *mta = g_new0(MmMta, 1);
    mta->fd = fd;
    mta->timeouts = *timeouts;
    mm_frame_reader_init(&mta->reader, REPLY_MAX);
    mm_buffer_init(&mta->out, 0);
    return mta;
}

void
mm_mta_free(MmMta *mta)
{
    if (!mta)
        return;
    close(mta->fd);
    mm_frame_reader_clear(&mta->reader);
    mm_buffer_clear(&mta->out);
    g_free(mta->answer_data);
    g_free(mta);
}

/* ---- Tracing. */

static void
trace(const char *arrow, const MmFrame *frame)
{
    const gsize most = 512;
    g_autoptr(GString) line = g_string_new(arrow);
    g_string_append_c(line, ' ');
    mm_escape_append(line, &frame->code, 1);
    g_string_append_c(line, ' ');
    mm_escape_append(line, frame->data, MIN(frame->size, most));
    if (frame->size > most)
        g_string_append_printf(line, "... (%" G_GSIZE_FORMAT " bytes)", frame->size);
    g_printerr("%s\n", line->str);
}

static void
trace_gathered(MmMta *mta)
{
    MmFrameReader copy;
    MmFrame frame;
    gsize size = mm_buffer_length(&mta->out);
    mm_frame_reader_init(&copy, REPLY_MAX);
    mm_buffer_append(&copy.buffer, mm_buffer_data(&mta->out), size);
    while (mm_frame_reader_next(&copy, &frame) == MM_FRAME_READY)
        trace(">", &frame);
    mm_frame_reader_clear(&copy);
}

/* ---- Writing and reading. */

static gboolean
fail_io(const char *what, GError **error)
{
    g_set_error(error, MM_MTA_ERROR, MM_MTA_ERROR_CLOSED, "%s: %s", what,
                errno ? g_strerror(errno) : _("the filter closed the connection"));
    return FALSE;
}

gboolean
mm_mta_flush(MmMta *mta, GError **error)
{
    gint64 deadline = mm_mta_deadline(mta->timeouts.writing);
    if (mta->trace)
        trace_gathered(mta);
    while (mm_buffer_length(&mta->out) > 0) {
        ssize_t n =
            send(mta->fd, mm_buffer_data(&mta->out), mm_buffer_length(&mta->out), MSG_NOSIGNAL);
        if (n > 0) {
            mm_buffer_consume(&mta->out, (gsize)n);
            deadline = mm_mta_deadline(mta->timeouts.writing);
        } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (!mm_mta_wait(mta->fd, POLLOUT, deadline, _("writing"), error))
                return FALSE;
        } else {
            return fail_io(_("writing"), error);
        }
    }
    return TRUE;
}

static gboolean
read_more(MmMta *mta, gint64 deadline, GError **error)
{
    gsize available;
    guint8 *place = mm_frame_reader_reserve(&mta->reader, &available);
    for (;;) {
        ssize_t n = recv(mta->fd, place, available, 0);
        if (n > 0) {
            mm_frame_reader_commit(&mta->reader, (gsize)n);
            return TRUE;
        }
        if (n == 0)
            errno = 0;
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            return fail_io(_("reading"), error);
        if (!mm_mta_wait(mta->fd, POLLIN, deadline, _("reading"), error))
            return FALSE;
    }
}

gboolean
mm_mta_receive(MmMta *mta, double seconds, MmReply *reply, GError **error)
{
    gint64 deadline = mm_mta_deadline(seconds);
    MmFrame frame;
    MmFrameResult result;
    while ((result = mm_frame_reader_next(&mta->reader, &frame)) == MM_FRAME_MORE) {
        if (!read_more(mta, deadline, error))
            return FALSE;
    }
    if (result == MM_FRAME_READY && mta->trace)
        trace("<", &frame);
    if (result == MM_FRAME_READY && mm_reply_parse(&frame, reply) == MM_PARSE_OK)
        return TRUE;
    g_set_error_literal(error, MM_MTA_ERROR, MM_MTA_ERROR_PROTOCOL,
                        _("the filter sent a packet that is no milter reply"));
    return FALSE;
}

/* ---- Negotiation. */

void
mm_mta_offer_for(guint32 version, MmOptions *offer)
{
    *offer = (MmOptions){.version = version, .actions = SMFI_CURR_ACTS};
    if (version >= 6)
        offer->protocol = SMFI_CURR_PROT;
    else if (version >= 4)
        offer->protocol = SMFI_V2_PROT | SMFIP_NOUNKNOWN | SMFIP_NODATA;
    else if (version == 3)
        offer->protocol = SMFI_V2_PROT | SMFIP_NOUNKNOWN;
    else
        offer->protocol = SMFI_V2_PROT;
}

gboolean
mm_mta_negotiate(MmMta *mta, const MmOptions *offer, GError **error)
{
    MmReply reply;
    mta->offer = *offer;
    mm_command_append_optneg(&mta->out, offer->version, offer->actions, offer->protocol);
    if (!mm_mta_flush(mta, error) || !mm_mta_receive(mta, mta->timeouts.reading, &reply, error))
        return FALSE;
    if (reply.kind != MM_REPLY_OPTNEG) {
        g_set_error_literal(error, MM_MTA_ERROR, MM_MTA_ERROR_PROTOCOL,
                            _("the filter did not answer the negotiation"));
        return FALSE;
    }
    mta->answer_data = g_memdup2(reply.u.text.data, MAX(reply.u.text.size, 1u));
    const MmSlice data = {mta->answer_data, reply.u.text.size};
    MmOptionsResult result = mm_options_parse_answer(data, offer, &mta->answer);
    if (result == MM_OPTIONS_OK)
        return TRUE;
    g_set_error_literal(error, MM_MTA_ERROR, MM_MTA_ERROR_PROTOCOL,
                        _(mm_options_result_text(result)));
    return FALSE;
}

gboolean
mm_mta_wants(const MmMta *mta, MmCommandKind kind)
{
    return mm_options_wants(&mta->answer, kind);
}

gboolean
mm_mta_is_answered(const MmMta *mta, MmCommandKind kind)
{
    return mm_options_answers(&mta->answer, kind);
}
