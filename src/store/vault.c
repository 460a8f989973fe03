#include "store/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/seal.h"

enum { KEY_FILE_MAX_BYTES = 4096 };

struct vault {
    struct seal_keys keys;
    _Atomic int64_t changes;
};

const struct migration vault_migrations[] = {
    {"vault", 1, STORE_SCOPE_BOTH,
     "CREATE TABLE secret (name TEXT NOT NULL, sealed TEXT NOT NULL, updated_at BIGINT NOT NULL,"
     " PRIMARY KEY (name));"},
    {0},
};

static enum err read_keys(struct ctx *c, const char *path, int fd, struct vault *v)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || (st.st_mode & 077)) {
        return ctx_fail(c, E_DENIED, "%s must be readable by its owner only (chmod 600)", path);
    }
    char text[KEY_FILE_MAX_BYTES];
    ssize_t n = read(fd, text, sizeof(text));
    struct str rest = str_make(text, n > 0 ? (size_t)n : 0), line;
    while (str_split(&rest, '\n', &line)) {
        line = str_trim(line);
        if (!line.n) {
            continue;
        }
        if (v->keys.count >= SEAL_KEYS_MAX ||
            seal_key_from_text(line, &v->keys.keys[v->keys.count]) != E_OK) {
            return ctx_fail(c, E_INVALID, "%s holds something that is no key", path);
        }
        v->keys.count++;
    }
    explicit_bzero(text, sizeof(text));
    return v->keys.count ? E_OK : ctx_fail(c, E_INVALID, "%s holds no key", path);
}

static enum err make_key(struct ctx *c, const char *path, struct vault *v)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return ctx_fail(c, E_DENIED, "cannot make %s: %s", path, strerror(errno));
    }
    seal_key_new(&v->keys.keys[0]);
    v->keys.count = 1;
    struct str text = seal_key_to_text(c->arena, &v->keys.keys[0]);
    bool written =
        write(fd, text.p, text.n) == (ssize_t)text.n && write(fd, "\n", 1) == 1 && fsync(fd) == 0;
    close(fd);
    if (!written) {
        unlink(path);
        return ctx_fail(c, E_FULL, "cannot write %s: %s", path, strerror(errno));
    }
    return E_OK;
}

enum err vault_open(struct ctx *c, const char *key_file, struct vault **out_vault)
{
    struct vault *v = mem_new(sizeof(*v));
    int fd = open(key_file, O_RDONLY | O_CLOEXEC);
    enum err e = E_OK;
    if (fd >= 0) {
        e = read_keys(c, key_file, fd, v);
        close(fd);
    } else if (errno == ENOENT) {
        e = make_key(c, key_file, v);
    } else {
        e = ctx_fail(c, E_DENIED, "cannot read %s: %s", key_file, strerror(errno));
    }
    if (e != E_OK) {
        vault_close(&v);
        return e;
    }
    *out_vault = v;
    return E_OK;
}

void vault_close(struct vault **v)
{
    if (*v) {
        explicit_bzero(*v, sizeof(**v));
        free(*v);
        *v = NULL;
    }
}

struct str vault_seal(struct ctx *c, struct str secret, struct str about)
{
    return seal_make(c->arena, &c->at->vault->keys, secret, about);
}

enum err vault_unseal(struct ctx *c, struct str sealed, struct str about, struct str *out_secret)
{
    enum err e = seal_open(c->arena, &c->at->vault->keys, sealed, about, out_secret);
    return e == E_OK ? E_OK
                     : ctx_fail(c, E_INTERNAL, "a sealed value cannot be opened: %s",
                                e == E_NOT_FOUND ? "its master key is missing" : "it is damaged");
}

static struct str about_of(struct ctx *c, struct store *s, struct str name)
{
    return str_fmt(c->arena, "secret %s %.*s", store_org(s)->text, STR_ARG(name));
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char ch = name.p[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '_')) {
            return false;
        }
    }
    return name.n > 0 && name.n <= VAULT_NAME_MAX_BYTES;
}

int64_t vault_changes(struct vault *v)
{
    return v ? v->changes : 0;
}

static void changed(void *arg)
{
    struct vault *v = arg;
    v->changes++;
}

static void touch(struct ctx *c, struct store *s)
{
    if (c->at->vault) {
        store_after_commit(s, changed, c->at->vault);
    }
}

enum err vault_put(struct ctx *c, struct store *s, struct str name, struct str secret)
{
    if (!is_name(name)) {
        return ctx_fail_field(c, E_INVALID, "name", "a secret's name has a-z, 0-9 and _ only");
    }
    if (!secret.n || secret.n > VAULT_SECRET_MAX_BYTES) {
        return ctx_fail_field(c, E_INVALID, "value", "a secret has 1 to %d bytes",
                              VAULT_SECRET_MAX_BYTES);
    }
    struct str sealed = vault_seal(c, secret, about_of(c, s, name));
    TRY(store_exec(c, s, NULL,
                   "INSERT INTO secret (name, sealed, updated_at) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed,"
                   " updated_at = excluded.updated_at",
                   S_STR(name), S_STR(sealed), S_INT(ctx_now_ms(c))));
    touch(c, s);
    return E_OK;
}

enum err vault_get(struct ctx *c, struct store *s, struct str name, struct str *out_secret)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT sealed FROM secret WHERE name = ?1", S_STR(name)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "there is no secret \"%.*s\"", STR_ARG(name));
    }
    return vault_unseal(c, row_str(&rows, 0, 0), about_of(c, s, name), out_secret);
}

enum err vault_delete(struct ctx *c, struct store *s, struct str name)
{
    int64_t removed = 0;
    TRY(store_exec(c, s, &removed, "DELETE FROM secret WHERE name = ?1", S_STR(name)));
    touch(c, s);
    return removed ? E_OK : ctx_fail(c, E_NOT_FOUND, "there is no secret \"%.*s\"", STR_ARG(name));
}

enum err vault_list(struct ctx *c, struct store *s, struct store_rows *out_rows)
{
    return store_query(c, s, out_rows, "SELECT name, updated_at FROM secret ORDER BY name LIMIT ?1",
                       S_INT(VAULT_LIST_MAX));
}
