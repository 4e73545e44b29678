/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interface in C++: the headers are taken as they are, and a plugin can be written. */
#include <milter-manager/plugin.h>

extern "C" {
static MilterReturn
ask(void *, MilterTicket, const MilterEvent *event, MilterVerdict *verdict)
{
    verdict->kind =
        event->kind == MILTER_EVENT_RCPT ? MILTER_VERDICT_REJECT : MILTER_VERDICT_CONTINUE;
    return MILTER_DONE;
}
}

static MilterStage
make_stage()
{
    MilterStage stage = MilterStage();
    stage.size = sizeof(MilterStage);
    stage.events = MILTER_EVENT_BIT(MILTER_EVENT_RCPT);
    stage.event = ask;
    return stage;
}

MILTER_PLUGIN_EXPORT const MilterPlugin *
milter_plain_plugin(void)
{
    static const MilterStage stage = make_stage();
    static const MilterPlugin plugin = {
        MILTER_PLUGIN_ABI, sizeof(MilterPlugin), "plain", "1", "MIT", nullptr, "C++", &stage};
    return &plugin;
}

int
main()
{
    MilterEvent event = MilterEvent();
    MilterVerdict verdict = MilterVerdict();
    event.kind = MILTER_EVENT_RCPT;
    milter_plain_plugin()->stage->event(nullptr, 1, &event, &verdict);
    return verdict.kind == MILTER_VERDICT_REJECT ? 0 : 1;
}
