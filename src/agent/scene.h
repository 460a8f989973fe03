/* What the nodes of a turn share: who talks to which agent about what. Loaded once per drive of a
 * run. Private to the agent row. */
#ifndef AGENT_SCENE_H
#define AGENT_SCENE_H

#include "agent/mailbox.h"
#include "agent/registry.h"
#include "agent/tool.h"
#include "agent/turn.h"
#include "graph/step.h"

/* One drive of one run: step_arg() of its nodes. */
struct turn_drive {
    struct ctx *c; /* of the drive: lives longer than a node's */
    const struct turn_watch *watch;
    struct turns *turns;
    bool loaded;
    struct id conversation_id;
    struct id run;
    int64_t to_seq;                   /* the newest message the turn answers */
    struct conversation conversation; /* not in a copilot's loop */
    struct messages history;          /* up to the turn's to_seq, and answers given since */
    const struct json **recalled;     /* per message of the history; NULL: not loaded (recall.h) */
    const struct agent *agent;
    struct tool_scene tools;
    enum deliver_outcome outcome; /* of turn_deliver */
    struct job *job;              /* finished with the delivery; NULL: none is */
    bool told_started;
    int64_t started_us; /* steady */
    bool handed_out;    /* pieces of text reached the watcher */
    bool overtaken;     /* a change was not made: scene_may_change */
};

/* Loads on first use; the conversation's row as it was when the drive began. */
enum err scene_load(struct ctx *c, struct step *step, struct turn_drive **out_drive);

/* For tool_scene.may_change; `arg` is the drive of a conversation's turn. A call that was issued
 * before may have taken effect: it is issued again, so that its outcome is known. */
enum err scene_may_change(struct ctx *c, struct str key, void *arg);

/* Reads the state a node needs in one line each. */
struct str scene_text(const struct step *step);
const struct json *scene_dialogue(const struct step *step);

#endif
