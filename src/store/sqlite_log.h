/* Private to store/: how the writer of an SQLite file writes its log (WAL). SQLite writes a frame
 * as a header and a page, two calls of the system, for each page of a transaction. Here a header is
 * held until its page, which SQLite writes next, and both go out in one write. See "WAL Frames" of
 * sqlite.org/fileformat. */
#ifndef STORE_SQLITE_LOG_H
#define STORE_SQLITE_LOG_H

/* The name of a VFS to open a writing connection with: that of the system, the log apart. NULL, the
 * system's own, where there is no memory for it. Any thread. */
const char *sqlite_log_vfs(void);

#endif
