/* `rapport kb ...`: documents in, passages out; and how good the search is on judged questions. */
#include <string.h>

#include "base/map.h"
#include "codec/text.h"
#include "codec/url.h"
#include "find/extract.h"
#include "find/find_eval.h"
#include "main/command.h"
#include "main/file.h"
#include "main/measure.h"
#include "main/remote.h"
#include "main/terminal.h"
#include "nlu/embed.h"

enum { LIST_MAX = 20000, FOLDER_DEPTH_MAX = 16, SNIPPET_CHARS = 400 };

/* ---- import -------------------------------------------------------------- */

struct found_file {
    const char *path;
    struct str key; /* the path below the folder that was named */
};
struct importing {
    struct invocation *in;
    struct remote *remote;
    struct found_file files[FILES_MAX];
    int count;
    struct map *before; /* key -> sha256 of the document there */
    const char *namespace;
    int made, replaced, unchanged, failed;
};

static enum err add_file(struct ctx *c, struct importing *w, const char *path, struct str key)
{
    if (w->count == FILES_MAX) {
        return ctx_fail(c, E_TOO_LARGE, "more than %d files at once", FILES_MAX);
    }
    w->files[w->count++] = (struct found_file){path, key};
    return E_OK;
}

static enum err add_folder(struct ctx *c, struct importing *w, const char *folder, size_t root_n,
                           int depth)
{
    struct file_names names;
    if (depth > FOLDER_DEPTH_MAX) {
        return ctx_fail(c, E_TOO_LARGE, "%s is more than %d folders deep", folder,
                        FOLDER_DEPTH_MAX);
    }
    TRY(file_list(c, folder, "", &names));
    for (int i = 0; i < names.count; i++) {
        const char *path = str_dupz(c->arena, str_fmt(c->arena, "%s/%s", folder, names.items[i]));
        if (file_is_folder(path)) {
            TRY(add_folder(c, w, path, root_n, depth + 1));
        } else if (extract_media_type(str_of(path)).n) {
            TRY(add_file(c, w, path, str_of(path + root_n + 1)));
        }
    }
    return E_OK;
}

static enum err find_files(struct ctx *c, struct importing *w)
{
    for (int i = 0; i < w->in->arg_count; i++) {
        char *path = str_dupz(c->arena, str_of(w->in->args[i]));
        for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) {
            path[n - 1] = 0;
        }
        const char *slash = strrchr(path, '/');
        if (file_is_folder(path)) {
            TRY(add_folder(c, w, path, strlen(path), 0));
        } else if (!extract_media_type(str_of(path)).n) {
            return ctx_fail(c, E_INVALID, "%s: only .md, .html, .csv and .txt can be imported",
                            path);
        } else {
            TRY(add_file(c, w, path, str_of(slash ? slash + 1 : path)));
        }
    }
    return w->count ? E_OK : ctx_fail(c, E_NOT_FOUND, "nothing to import there");
}

/* What is there before, to tell what the import changed. */
static enum err read_before(struct ctx *c, struct importing *w)
{
    const struct json *items;
    TRY(remote_list(w->remote,
                    str_fmt(c->arena, "/api/v1/documents?namespace=%.*s",
                            STR_ARG(url_encode(c->arena, str_of(w->namespace), false))),
                    LIST_MAX, &items));
    for (size_t i = 0; i < json_count(items); i++) {
        const struct json *d = json_at(items, i);
        map_set(w->before, json_str(d, "key", STR("")),
                str_dupz(c->arena, json_str(d, "sha256", STR(""))));
    }
    return E_OK;
}

static enum err import_file(struct ctx *c, struct importing *w, const struct found_file *f)
{
    struct arena *a = c->arena;
    struct str bytes;
    const struct json *answer;
    TRY(file_read(c, f->path, &bytes));
    if (!str_is_utf8(bytes)) {
        return ctx_fail(c, E_INVALID, "it is not UTF-8 text");
    }
    TRY(remote_post(w->remote, STR("/api/v1/documents"),
                    json_object(a, {"text", json_new_str(a, bytes)},
                                {"key", json_new_str(a, f->key)},
                                {"namespace", json_new_str(a, str_of(w->namespace))},
                                {"media_type", json_new_str(a, extract_media_type(f->key))}),
                    &answer));
    const char *before = map_get(w->before, f->key);
    bool same = before && str_eqz(json_str(answer, "sha256", STR("")), before);
    w->made += before ? 0 : 1;
    w->replaced += before && !same ? 1 : 0;
    w->unchanged += same ? 1 : 0;
    return E_OK;
}

static enum err import_all(struct ctx *c, struct importing *w)
{
    TRY(remote_enter(w->remote));
    TRY(read_before(c, w));
    struct terminal_progress bar = terminal_progress_start("importing");
    for (int i = 0; i < w->count; i++) {
        terminal_progress_set(&bar, (double)i / w->count);
        enum err e = import_file(c, w, &w->files[i]);
        if (e == E_UNAVAILABLE || e == E_DENIED || e == E_FULL || e == E_UNAUTHENTICATED) {
            terminal_progress_end(&bar);
            return e; /* the next would fare no better */
        }
        if (e != E_OK) {
            terminal_progress_end(&bar);
            fprintf(stderr, "rapport: %s: %s\n", w->files[i].path, c->fault.text);
            w->failed++;
            ctx_forgive(c);
        }
    }
    terminal_progress_end(&bar);
    return E_OK;
}

static enum err import(struct ctx *c, struct invocation *in)
{
    struct importing *w = ARENA_NEW(c->arena, struct importing);
    w->in = in;
    w->namespace = command_option(in, "namespace", "help");
    TRY(find_files(c, w));
    TRY(remote_open(c, in, &w->remote));
    w->before = map_new(LIST_MAX);
    enum err e = import_all(c, w);
    map_free(&w->before);
    remote_close(&w->remote);
    TRY(e);
    if (in->json) {
        struct arena *a = c->arena;
        terminal_json(c, json_object(a, {"new", json_new_int(a, w->made)},
                                     {"replaced", json_new_int(a, w->replaced)},
                                     {"unchanged", json_new_int(a, w->unchanged)},
                                     {"failed", json_new_int(a, w->failed)}));
    } else {
        printf("%d new, %d replaced, %d unchanged, %d failed in %s\n", w->made, w->replaced,
               w->unchanged, w->failed, w->namespace);
    }
    in->exit_code = w->failed ? COMMAND_OTHER : COMMAND_OK;
    return E_OK;
}

/* ---- list and search ----------------------------------------------------- */

static enum err list_connected(struct ctx *c, struct invocation *in, struct remote *r)
{
    static const struct terminal_column columns[] = {
        {"NAMESPACE", "namespace", TERMINAL_TEXT},
        {"KEY", "key", TERMINAL_TEXT},
        {"TITLE", "title", TERMINAL_TEXT},
        {"BYTES", "size_bytes", TERMINAL_NUMBER},
        {"PASSAGES", "chunk_count", TERMINAL_NUMBER},
        {"CHANGED (UTC)", "updated_at", TERMINAL_TIME},
        {0},
    };
    const struct json *items;
    const char *namespace = command_option(in, "namespace", "");
    TRY(remote_enter(r));
    TRY(remote_list(r,
                    str_fmt(c->arena, "/api/v1/documents?namespace=%.*s",
                            STR_ARG(url_encode(c->arena, str_of(namespace), false))),
                    LIST_MAX, &items));
    terminal_list(c, in, items, columns);
    return E_OK;
}

static enum err list(struct ctx *c, struct invocation *in)
{
    struct remote *r;
    TRY(remote_open(c, in, &r));
    enum err e = list_connected(c, in, r);
    remote_close(&r);
    return e;
}

static void print_hits(struct ctx *c, const struct json *items)
{
    for (size_t i = 0; i < json_count(items); i++) {
        const struct json *h = json_at(items, i);
        struct str heading = json_str(h, "heading", STR(""));
        struct str text = text_shorten(c->arena, text_clean(c->arena, json_str(h, "text", STR(""))),
                                       SNIPPET_CHARS);
        printf("%s%zu. %.*s%s%.*s  (%.2f)\n%.*s\n", i ? "\n" : "", i + 1,
               STR_ARG(json_str(h, "title", STR(""))), heading.n ? " / " : "", STR_ARG(heading),
               json_real(h, "score", 0), STR_ARG(text));
    }
    if (json_count(items) == 0) {
        printf("Nothing was found.\n");
    }
}

static enum err search_connected(struct ctx *c, struct invocation *in, struct remote *r)
{
    struct arena *a = c->arena;
    const struct json *answer;
    const char *namespace = command_option(in, "namespace", "");
    int64_t k = 5, range[2] = {1, SEARCH_HITS_MAX};
    TRY(command_number(c, in, "count", range, &k));
    TRY(remote_enter(r));
    TRY(remote_post(
        r, STR("/api/v1/knowledge/search"),
        json_object(a, {"query", json_new_str(a, str_of(in->args[0]))}, {"k", json_new_int(a, k)},
                    {"namespace", namespace[0] ? json_new_str(a, str_of(namespace)) : NULL},
                    {"steps", command_has(in, "steps") ? json_new_bool(true) : NULL}),
        &answer));
    if (in->json) {
        terminal_json(c, answer);
    } else {
        print_hits(c, json_get(answer, "items"));
    }
    return E_OK;
}

/* ---- judged questions: no data folder needed ----------------------------- */

static bool on_progress(void *arg, double done)
{
    terminal_progress_set(arg, done);
    return true;
}

static const char *in_folder(struct ctx *c, const char *folder, const char *name)
{
    return str_dupz(c->arena, str_fmt(c->arena, "%s/%s", folder, name));
}

static enum err evaluate(struct ctx *c, const char *folder, struct find_eval_report *out)
{
    struct find_eval_input input = {.skip_self = true, .progress = on_progress};
    const struct embedder embedder = {
        .name = EMBED_NAME, .dimensions = EMBED_DIMENSIONS, .embed = embed_texts};
    struct str why = STR("");
    TRY(file_read(c, in_folder(c, folder, "corpus.jsonl"), &input.corpus));
    TRY(file_read(c, in_folder(c, folder, "queries.jsonl"), &input.queries));
    TRY(file_read(c, in_folder(c, folder, "qrels.tsv"), &input.qrels));
    struct terminal_progress bar = terminal_progress_start("indexing and asking");
    input.progress_arg = &bar;
    enum err e = find_eval_run(c, &input, &embedder, &why, out);
    terminal_progress_end(&bar);
    return e != E_OK && why.n ? ctx_fail(c, e, "%s: %.*s", folder, STR_ARG(why)) : e;
}

/* The folder's own name, however it was reached. */
static const char *set_name(struct ctx *c, const char *folder)
{
    struct str path = str_of(folder), name = path, piece;
    while (str_split(&path, '/', &piece)) {
        name = piece.n ? piece : name;
    }
    return str_dupz(c->arena, name);
}

/* Fused search must reach the floors, and be better than its words alone when that is asked. */
static bool falls_short(const struct invocation *in, const char *name,
                        const struct find_eval_report *r, const double floors[3])
{
    bool short_of = measure_misses(name, "MRR", r->fused.reciprocal_rank, floors[0]);
    short_of |= measure_misses(name, "nDCG@10", r->fused.ndcg_10, floors[1]);
    short_of |= measure_misses(name, "R@50", r->fused.recall_50, floors[2]);
    if (command_has(in, "floor-words")) {
        short_of |= measure_misses(name, "MRR", r->fused.reciprocal_rank, r->words.reciprocal_rank);
        short_of |= measure_misses(name, "nDCG@10", r->fused.ndcg_10, r->words.ndcg_10);
    }
    return short_of;
}

static enum err eval_folders(struct ctx *c, struct invocation *in, const char **folders, int n)
{
    static const char *const options[] = {"floor", "floor-ndcg", "floor-recall"};
    struct measure_printer p = measure_printer_of(in, n > 1);
    struct measure_floors floors[3];
    for (int k = 0; k < 3; k++) {
        floors[k] = measure_floors_of(in, options[k]);
    }
    enum err e = E_OK;
    for (int i = 0; i < n && e == E_OK; i++) {
        struct find_eval_report r;
        double least[3];
        const char *name = n > 1 ? set_name(c, folders[i]) : "";
        for (int k = 0; k < 3 && e == E_OK; k++) {
            e = measure_next_floor(c, in, &floors[k], &least[k]);
        }
        e = e == E_OK ? evaluate(c, folders[i], &r) : e;
        if (e == E_OK) {
            measure_begin(&p, name);
            (in->json ? find_eval_json : find_eval_text)(&r, &p.out);
            measure_end(&p);
            p.missed |= falls_short(in, name, &r, least);
        }
    }
    if (e != E_OK) {
        buf_free(&p.out);
        return e;
    }
    return measure_print(c, &p);
}

static enum err eval(struct ctx *c, struct invocation *in)
{
    return eval_folders(c, in, in->args, in->arg_count);
}

static enum err search(struct ctx *c, struct invocation *in)
{
    struct remote *r;
    const char *data = command_option(in, "data", NULL);
    if (in->arg_count == 0 && data) { /* a folder of judged questions instead of one to ask */
        return eval_folders(c, in, &data, 1);
    }
    if (in->arg_count == 0) {
        return command_usage(c, in, "kb search: what for? Or --data FOLDER with judged questions");
    }
    TRY(remote_open(c, in, &r));
    enum err e = search_connected(c, in, r);
    remote_close(&r);
    return e;
}

static const struct option import_options[] = {
    {"namespace", 'n', "NAME", "where to (help)"},
    {0},
};
static const struct option list_options[] = {
    {"namespace", 'n', "NAME", "only this one"},
    {0},
};
static const struct option search_options[] = {
    {"namespace", 'n', "NAME", "only this one"},
    {"steps", 0, NULL, "the query is a situation that takes several documents"},
    {"count", 'k', "N", "how many passages (5)"},
    {0},
};

static const struct option eval_options[] = {
    {"floor", 0, "N,N...", "fail when the MRR of fused search is below this, by folder"},
    {"floor-ndcg", 0, "N,N...", "... its nDCG@10"},
    {"floor-recall", 0, "N,N...", "... its recall in the first 50"},
    {"floor-words", 0, NULL, "fail when fused search is no better than words alone"},
    {0},
};

extern const struct command knowledge_commands[];
const struct command knowledge_commands[] = {
    {"kb import", "PATH...", "Import files or folders; what did not change is left alone.",
     COMMAND_REMOTE, import_options, 1, -1, import},
    {"kb list", "", "The documents of an organisation.", COMMAND_REMOTE, list_options, 0, 0, list},
    {"kb search", "[QUERY]",
     "Search. Without QUERY, --data FOLDER names judged questions (corpus.jsonl, queries.jsonl, "
     "qrels.tsv).",
     COMMAND_REMOTE, search_options, 0, 1, search},
    {"kb eval", "FOLDER...",
     "How good the search is on judged questions (corpus.jsonl, queries.jsonl, qrels.tsv): words, "
     "vectors, both fused, and asked in steps.",
     COMMAND_ALONE, eval_options, 1, -1, eval},
    {0},
};
