/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/greylist-import-db.h"

#include "base/i18n.h"

#include <string.h>

/* Offset and value of the magic number of a btree's first page (db.h DB_BTREEMAGIC). */
#define MAGIC_OFFSET 12u
#define MAGIC 0x00053162u

gboolean
mm_import_is_database(const char *head, gsize size)
{
    guint32 magic;
    if (size < MAGIC_OFFSET + sizeof(magic))
        return FALSE;
    memcpy(&magic, head + MAGIC_OFFSET, sizeof(magic));
    return magic == MAGIC || magic == GUINT32_SWAP_LE_BE_CONSTANT(MAGIC);
}

#ifdef HAVE_BERKELEY_DB

#include <db.h>

static gboolean
fail(GError **error, const char *file, int code)
{
    g_set_error(error, MM_IMPORT_ERROR, MM_IMPORT_ERROR_FORMAT, "%s: %s", file, db_strerror(code));
    return FALSE;
}

/* What libdb would write to standard error is in its return values. */
static void
ignore_text(const DB_ENV *env, const char *prefix, const char *text)
{
    (void)env;
    (void)prefix;
    (void)text;
}

static int
make_handle(DB **db)
{
    int code = db_create(db, NULL, 0);
    if (code == 0)
        (*db)->set_errcall(*db, ignore_text);
    return code;
}

static gboolean
verify(const char *file, GError **error)
{
    DB *db;
    int code = make_handle(&db);
    if (code == 0)
        code = db->verify(db, file, NULL, NULL, 0); /* frees the handle */
    return code == 0 || fail(error, file, code);
}

static gboolean
take_pair(MmImport *import, guint64 number, const DBT *key, const DBT *value,
          MmImportFunction function, gpointer data, GError **error)
{
    MmImportEntry entry;
    if (mm_import_pair(import, key->data, key->size, value->data, value->size, &entry, error) ==
        MM_IMPORT_ENTRY)
        return function(&entry, data, error);
    g_prefix_error(error, "%s %" G_GUINT64_FORMAT ": ", _("record"), number);
    return FALSE;
}

static gboolean
walk(DB *db, const char *file, MmImport *import, MmImportFunction function, gpointer data,
     GError **error)
{
    DBC *cursor;
    int code = db->cursor(db, NULL, &cursor, 0);
    if (code != 0)
        return fail(error, file, code);
    DBT key = {0}, value = {0};
    gboolean good = TRUE;
    for (guint64 number = 1; good; number++) {
        code = cursor->get(cursor, &key, &value, DB_NEXT);
        if (code != 0)
            break;
        good = take_pair(import, number, &key, &value, function, data, error);
    }
    cursor->close(cursor);
    return good && (code == DB_NOTFOUND || fail(error, file, code));
}

gboolean
mm_import_database(const char *file, MmImport *import, MmImportFunction function, gpointer data,
                   GError **error)
{
    DB *db;
    if (!verify(file, error))
        return FALSE;
    int code = make_handle(&db);
    if (code != 0)
        return fail(error, file, code);
    code = db->open(db, NULL, file, NULL, DB_BTREE, DB_RDONLY, 0);
    gboolean good =
        code == 0 ? walk(db, file, import, function, data, error) : fail(error, file, code);
    db->close(db, DB_NOSYNC);
    return good;
}

#else

gboolean
mm_import_database(const char *file, MmImport *import, MmImportFunction function, gpointer data,
                   GError **error)
{
    (void)import;
    (void)function;
    (void)data;
    g_set_error(error, MM_IMPORT_ERROR, MM_IMPORT_ERROR_FORMAT,
                _("%s: built without Berkeley DB: import what \"db_dump -p FILE\" prints"), file);
    return FALSE;
}

#endif
