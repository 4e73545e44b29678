/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests from the control thread to a worker and back. */
#include "admin.h"

static void
call_free(AdminCall *call)
{
    g_clear_pointer(&call->node, json_node_unref);
    g_clear_object(&call->builder);
    g_string_chunk_free(call->texts);
    g_free(call->json);
    g_free(call->error);
    greylist_unref(call->greylist);
    g_free(call);
}

/* ---- Back: on the control thread. */

static void
deliver(void *data)
{
    AdminCall *call = data;
    call->greylist->host->admin_reply(call->request, call->json, call->error);
    call_free(call);
}

static void
leave_seat(AdminCall *call)
{
    call->seat->calls = g_slist_remove(call->seat->calls, call);
    if (!call->ask)
        return;
    ask_clear(call->ask);
    g_clear_pointer(&call->ask, g_free);
}

static void
send_back(AdminCall *call)
{
    leave_seat(call);
    call->greylist->host->post(NULL, deliver, call);
}

void
admin_answer(AdminCall *call, JsonBuilder *builder)
{
    JsonNode *root = json_builder_get_root(builder);
    call->json = json_to_string(root, FALSE);
    json_node_unref(root);
    send_back(call);
}

void
admin_fail(AdminCall *call, const char *error)
{
    call->error = g_strdup(error);
    send_back(call);
}

/* ---- There. */

/* The seat may have left while the request was on its way. */
static gboolean
is_seat(Greylist *greylist, Seat *seat)
{
    g_mutex_lock(&greylist->lock);
    gboolean found = g_ptr_array_find(greylist->seats, seat, NULL);
    g_mutex_unlock(&greylist->lock);
    return found;
}

static void
work(void *data)
{
    AdminCall *call = data;
    if (!is_seat(call->greylist, call->seat)) {
        call->error = g_strdup(N_("the greylist is being reloaded: try again"));
        call->greylist->host->post(NULL, deliver, call);
        return;
    }
    call->seat->calls = g_slist_prepend(call->seat->calls, call);
    if (call->seat->desk)
        call->verb(call);
    else
        admin_fail(call, call->greylist->stands_down ? N_("the built-in greylist stands down")
                                                     : N_("the store is not open"));
}

void
admin_abandon(Seat *seat)
{
    while (seat->calls)
        admin_fail(seat->calls->data, N_("the greylist is being reloaded: try again"));
}

/* The worker and the seat, both as they are now. */
static MilterWorker *
choose_seat(Greylist *greylist, Seat **seat)
{
    MilterWorker *worker = NULL;
    g_mutex_lock(&greylist->lock);
    *seat = greylist->seats->len > 0 ? g_ptr_array_index(greylist->seats, 0) : NULL;
    if (*seat)
        worker = (*seat)->worker;
    g_mutex_unlock(&greylist->lock);
    return worker;
}

static const char *
read_arguments(AdminCall *call, const char *arguments)
{
    call->node = json_from_string(arguments ? arguments : "{}", NULL);
    if (call->node && JSON_NODE_HOLDS_NULL(call->node)) {
        json_node_unref(call->node);
        call->node = json_from_string("{}", NULL);
    }
    if (!call->node || !JSON_NODE_HOLDS_OBJECT(call->node))
        return N_("the arguments are not a JSON object");
    call->arguments = json_node_get_object(call->node);
    return NULL;
}

static void
take(Greylist *greylist, MilterAdminRequest *request, const char *arguments, AdminVerb verb)
{
    AdminCall *call = g_new0(AdminCall, 1);
    g_atomic_ref_count_inc(&greylist->references);
    call->greylist = greylist;
    call->request = request;
    call->verb = verb;
    call->texts = g_string_chunk_new(256);
    const char *wrong = read_arguments(call, arguments);
    MilterWorker *worker = choose_seat(greylist, &call->seat);
    if (!wrong && !worker)
        wrong = N_("the greylist does not serve yet");
    if (!wrong) {
        greylist->host->post(worker, work, call);
        return;
    }
    greylist->host->admin_reply(request, NULL, wrong);
    call_free(call);
}

/* What a verb's function is given: the instance, and which verb it is. */
struct AdminHook {
    Greylist *greylist;
    AdminVerb verb;
};

static void
on_request(void *data, MilterAdminRequest *request, const char *arguments)
{
    const struct AdminHook *hook = data;
    take(hook->greylist, request, arguments, hook->verb);
}

void
admin_register(Greylist *greylist)
{
    guint n = 0;
    while (admin_verbs[n].name)
        n++;
    greylist->hooks = g_new0(struct AdminHook, n);
    for (guint i = 0; i < n; i++) {
        greylist->hooks[i] = (struct AdminHook){greylist, admin_verbs[i].verb};
        greylist->host->admin_verb(greylist->self, admin_verbs[i].name, on_request,
                                   &greylist->hooks[i]);
    }
}
