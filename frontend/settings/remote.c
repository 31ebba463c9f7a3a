/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/settings/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/settings/install.h"
#include "frontend/settings/user_dir.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define FILE_NAME "remote.yaml"
#define FILE_BYTES_MAX ((size_t)1024 * 1024)
#define TOKEN_MAX ((size_t)64 * 1024)

/* ---- memory ---- */

static void fini_remote(struct remote *remote)
{
	free(remote->name);
	free(remote->uri);
	free(remote->token);
	for (size_t i = 0; i < remote->keyserver_count; i++)
		free(remote->keyservers[i].uri);
	free(remote->keyservers);
}

void remote_config_fini(struct remote_config *config)
{
	free(config->active);
	for (size_t i = 0; i < config->count; i++)
		fini_remote(&config->remotes[i]);
	free(config->remotes);
	for (size_t i = 0; i < config->credential_count; i++) {
		free(config->credentials[i].uri);
		free(config->credentials[i].auth);
	}
	free(config->credentials);
	*config = (struct remote_config)REMOTE_CONFIG_INIT;
}

static int out_of_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "cannot keep the remotes");
}

/* Replace the text at @slot by a copy of @text; NULL stays NULL. */
static int set_text(char **slot, const char *text, struct err *err)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return out_of_memory(err);
	free(*slot);
	*slot = copy;
	return 0;
}

/* ---- files ---- */

int remote_system_path(char **out, struct err *err)
{
	if (asprintf(out, "%s/" FILE_NAME, install_get()->confdir) < 0) {
		*out = NULL;
		return out_of_memory(err);
	}
	return 0;
}

int remote_user_path(char **out, struct err *err)
{
	cleanup_ptr char *dir = NULL;
	int rc = user_dir_find(&dir, err);

	if (rc < 0)
		return rc;
	if (asprintf(out, "%s/" FILE_NAME, dir) < 0) {
		*out = NULL;
		return out_of_memory(err);
	}
	return 0;
}

static int read_all(int fd, const char *path, char **out, size_t *size, struct err *err)
{
	cleanup_ptr char *bytes = malloc(FILE_BYTES_MAX + 1);
	size_t filled = 0;

	if (!bytes)
		return out_of_memory(err);
	while (filled <= FILE_BYTES_MAX) {
		ssize_t got = read(fd, bytes + filled, FILE_BYTES_MAX + 1 - filled);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, errno, "cannot read %s", path);
		if (got == 0)
			break;
		filled += (size_t)got;
	}
	if (filled > FILE_BYTES_MAX)
		return err_set(err, ERR_SYSTEM, EFBIG, "cannot read %s: larger than %zu bytes", path, FILE_BYTES_MAX);
	*out = ptr_take(bytes);
	*size = filled;
	return 0;
}

/* Tokens are in the file: it is nobody else's to read. */
static void narrow_mode(int fd, const struct stat *st, const char *path)
{
	if ((st->st_mode & 0777) != 0600 && st->st_uid == geteuid() && fchmod(fd, 0600) < 0)
		log_warning("cannot give %s the mode 0600: %s", path, strerror(errno));
}

int remote_load(const char *path, bool is_system, struct remote_config *out, struct err *err)
{
	cleanup_ptr char *bytes = NULL;
	cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct remote_config config = REMOTE_CONFIG_INIT;
	struct stat st;
	size_t size;
	int rc;

	if (fd < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot open %s", path);
	if (fd >= 0) {
		if (fstat(fd, &st) < 0)
			return err_sys(err, errno, "cannot read %s", path);
		if (!S_ISREG(st.st_mode))
			return err_set(err, ERR_SYSTEM, EINVAL, "cannot read %s: not a regular file", path);
		if (!is_system)
			narrow_mode(fd, &st, path);
		rc = read_all(fd, path, &bytes, &size, err);
		if (rc == 0 && remote_parse(bytes, size, &config, err) < 0)
			rc = err_wrap(err, "cannot read %s", path);
		if (rc < 0)
			return rc;
	}
	config.is_system = is_system;
	*out = config;
	return 0;
}

static int add_built_in(struct remote_config *config, struct err *err)
{
	int rc = remote_add(config, REMOTE_DEFAULT_NAME, REMOTE_DEFAULT_URI, false, err);

	if (rc < 0)
		return rc;
	config->remotes[0].is_system = true;
	return set_text(&config->active, REMOTE_DEFAULT_NAME, err);
}

int remote_load_merged(const char *path, struct remote_config *out, struct err *err)
{
	cleanup_ptr char *user_path = NULL, *system_path = NULL;
	struct remote_config config = REMOTE_CONFIG_INIT, system = REMOTE_CONFIG_INIT;
	int rc = path ? 0 : remote_user_path(&user_path, err);

	/* Without a home there is only what the administrator set up. */
	if (rc == -ENOENT)
		rc = 0;
	else if (rc == 0)
		rc = remote_load(path ? path : user_path, false, &config, err);
	if (rc == 0)
		rc = remote_system_path(&system_path, err);
	if (rc == 0)
		rc = remote_load(system_path, true, &system, err);
	if (rc == 0)
		rc = remote_merge(&config, &system, err);
	if (rc == 0 && config.count == 0)
		rc = add_built_in(&config, err);
	remote_config_fini(&system);
	if (rc < 0)
		remote_config_fini(&config);
	else
		*out = config;
	return rc;
}

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t put = write(fd, bytes, size);

		if (put < 0 && errno != EINTR)
			return -errno;
		if (put > 0) {
			bytes += put;
			size -= (size_t)put;
		}
	}
	return 0;
}

static int make_parent(const char *path, struct err *err)
{
	cleanup_ptr char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return out_of_memory(err);
	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	return user_dir_make_path(dir, err);
}

int remote_save(const char *path, const struct remote_config *config, struct err *err)
{
	cleanup_ptr char *bytes = NULL, *temporary = NULL;
	cleanup_fd int fd = -1;
	size_t size;
	int rc = remote_format(config, &bytes, &size, err);

	if (rc == 0)
		rc = make_parent(path, err);
	if (rc < 0)
		return rc;
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return out_of_memory(err);
	}
	fd = mkostemp(temporary, O_CLOEXEC); /* 0600 */
	if (fd < 0)
		return err_sys(err, errno, "cannot write %s", path);
	rc = write_all(fd, bytes, size);
	if (rc == 0 && config->is_system && fchmod(fd, 0644) < 0)
		rc = -errno;
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (rc == 0 && rename(temporary, path) < 0)
		rc = -errno;
	if (rc < 0) {
		(void)unlink(temporary);
		return err_sys(err, -rc, "cannot write %s", path);
	}
	return 0;
}

/* ---- the list ---- */

static struct remote *look_up(const struct remote_config *config, const char *name)
{
	for (size_t i = 0; i < config->count; i++)
		if (strcmp(config->remotes[i].name, name) == 0)
			return &config->remotes[i];
	return NULL;
}

int remote_find(struct remote_config *config, const char *name, struct remote **out, struct err *err)
{
	const char *wanted = name ? name : config->active;

	if (!wanted)
		return err_set(err, ERR_SYSTEM, ENOENT, "no default remote: choose one with \"singularity remote use\"");
	*out = look_up(config, wanted);
	return *out ? 0 : err_set(err, ERR_SYSTEM, ENOENT, "%s is not a remote", wanted);
}

/* A new, empty one called @name, in its place. */
static int insert(struct remote_config *config, const char *name, struct remote **out, struct err *err)
{
	struct remote *grown = reallocarray(config->remotes, config->count + 1, sizeof(*grown));
	char *copy = strdup(name);
	size_t at = 0;

	if (grown)
		config->remotes = grown;
	if (!grown || !copy) {
		free(copy);
		return out_of_memory(err);
	}
	while (at < config->count && strcmp(grown[at].name, name) < 0)
		at++;
	memmove(grown + at + 1, grown + at, (config->count - at) * sizeof(*grown));
	grown[at] = (struct remote){.name = copy};
	config->count++;
	*out = &grown[at];
	return 0;
}

static bool is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

/* host[:port][/path] of what a user may write: with a scheme, and with slashes at the end. */
static int normalize_uri(const char *uri, char **out, struct err *err)
{
	const char *start = strstr(uri, "://");
	size_t len;

	start = start ? start + 3 : uri;
	len = strlen(start);
	while (len > 0 && start[len - 1] == '/')
		len--;
	if (len == 0 || start[0] == '/' || strcspn(start, " \t\r\n@?#\\\"'<>") < len)
		return err_set(err, ERR_SYSTEM, EINVAL, "invalid URI \"%s\": give host[:port][/path]", uri);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)start[i] < 0x20 || (unsigned char)start[i] > 0x7e)
			return err_set(err, ERR_SYSTEM, EINVAL, "invalid URI \"%s\": give host[:port][/path]", uri);
	*out = strndup(start, len);
	return *out ? 0 : out_of_memory(err);
}

int remote_add(struct remote_config *config, const char *name, const char *uri, bool insecure, struct err *err)
{
	cleanup_ptr char *normal = NULL;
	struct remote *remote;
	int rc;

	if (is_blank(name))
		return err_set(err, ERR_SYSTEM, EINVAL, "invalid name: cannot have empty name");
	if (is_blank(uri))
		return err_set(err, ERR_SYSTEM, EINVAL, "invalid URI: cannot have empty URI");
	if (look_up(config, name))
		return err_set(err, ERR_SYSTEM, EEXIST, "%s is already a remote", name);
	rc = normalize_uri(uri, &normal, err);
	if (rc == 0)
		rc = insert(config, name, &remote, err);
	if (rc < 0)
		return rc;
	remote->uri = ptr_take(normal);
	remote->is_system = config->is_system;
	remote->is_insecure = insecure;
	return 0;
}

int remote_remove(struct remote_config *config, const char *name, struct err *err)
{
	struct remote *remote = look_up(config, name);
	size_t at;

	if (!remote)
		return err_set(err, ERR_SYSTEM, ENOENT, "%s is not a remote", name);
	if (remote->is_system && !config->is_system)
		return err_set(err, ERR_SYSTEM, EPERM, "%s is global and can't be removed", name);
	if (config->active && strcmp(config->active, name) == 0)
		(void)set_text(&config->active, NULL, err);
	fini_remote(remote);
	at = (size_t)(remote - config->remotes);
	memmove(remote, remote + 1, (config->count - at - 1) * sizeof(*remote));
	config->count--;
	return 0;
}

int remote_use(struct remote_config *config, const char *name, bool exclusive, struct err *err)
{
	struct remote *remote = look_up(config, name);
	bool is_active = config->active && strcmp(config->active, name) == 0;

	if (!remote)
		return err_set(err, ERR_SYSTEM, ENOENT, "%s is not a remote", name);
	if (exclusive && !config->is_system)
		return err_set(err, ERR_SYSTEM, EPERM, "exclusive can't be set by user");
	for (size_t i = 0; i < config->count && !is_active && !config->is_system; i++)
		if (config->remotes[i].is_exclusive)
			return err_set(err, ERR_SYSTEM, EPERM,
				       "could not use %s: remote %s has been set exclusive by the system administrator", name,
				       config->remotes[i].name);
	if (config->is_system) {
		/* One at most is exclusive: users could not tell which of two they have to take. */
		for (size_t i = 0; i < config->count; i++)
			config->remotes[i].is_exclusive = false;
		remote->is_exclusive = exclusive;
	}
	return set_text(&config->active, name, err);
}

static int copy_keyservers(struct remote *to, const struct remote *from, struct err *err)
{
	struct remote_keyserver *copy = calloc(from->keyserver_count + 1, sizeof(*copy));

	if (!copy)
		return out_of_memory(err);
	for (size_t i = 0; i < to->keyserver_count; i++)
		free(to->keyservers[i].uri);
	free(to->keyservers);
	to->keyservers = copy;
	to->keyserver_count = from->keyserver_count;
	for (size_t i = 0; i < from->keyserver_count; i++) {
		copy[i] = from->keyservers[i];
		copy[i].uri = NULL;
	}
	for (size_t i = 0; i < from->keyserver_count; i++)
		if (set_text(&copy[i].uri, from->keyservers[i].uri, err) < 0)
			return -ENOMEM;
	return 0;
}

/* What the administrator says about a remote counts; the token is the user's. */
static int merge_one(struct remote_config *config, const struct remote *from, struct err *err)
{
	struct remote *remote = look_up(config, from->name);
	int rc = 0;

	if (remote && !remote->is_system)
		return err_set(err, ERR_SYSTEM, EEXIST,
			       "name collision while syncing: %s is a remote of yours and of the administrator: remove yours",
			       from->name);
	if (!remote)
		rc = insert(config, from->name, &remote, err);
	if (rc == 0)
		rc = set_text(&remote->uri, from->uri, err);
	if (rc < 0)
		return rc;
	remote->is_system = true;
	remote->is_exclusive = from->is_exclusive;
	remote->is_insecure = from->is_insecure;
	if (from->is_exclusive)
		rc = set_text(&config->active, from->name, err);
	return rc < 0 ? rc : copy_keyservers(remote, from, err);
}

/* A remote that the administrator took away must not live on in the user's file. */
static void drop_gone(struct remote_config *config, const struct remote_config *system)
{
	for (size_t i = config->count; i-- > 0;) {
		struct remote *remote = &config->remotes[i];

		if (!remote->is_system || look_up(system, remote->name))
			continue;
		if (system->count == 0 && strcmp(remote->name, REMOTE_DEFAULT_NAME) == 0) {
			remote->is_exclusive = false;
			continue;
		}
		if (config->active && strcmp(config->active, remote->name) == 0) {
			free(config->active);
			config->active = NULL;
		}
		fini_remote(remote);
		memmove(remote, remote + 1, (config->count - i - 1) * sizeof(*remote));
		config->count--;
	}
}

int remote_merge(struct remote_config *config, const struct remote_config *system, struct err *err)
{
	drop_gone(config, system);
	for (size_t i = 0; i < system->count; i++) {
		int rc = merge_one(config, &system->remotes[i], err);

		if (rc < 0)
			return rc;
	}
	if (!config->active && system->active)
		return set_text(&config->active, system->active, err);
	return 0;
}

/* ---- tokens, URLs ---- */

int remote_check_token(const char *token, struct err *err)
{
	size_t len = strlen(token);

	if (len == 0)
		return err_set(err, ERR_SYSTEM, EINVAL, "the token is empty");
	if (len > TOKEN_MAX)
		return err_set(err, ERR_SYSTEM, EINVAL, "the token is longer than %zu bytes", TOKEN_MAX);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)token[i] <= 0x20 || (unsigned char)token[i] > 0x7e)
			return err_set(err, ERR_SYSTEM, EINVAL, "the token has a blank or a character that no token has");
	return 0;
}

int remote_set_token(struct remote *remote, const char *token, struct err *err)
{
	return set_text(&remote->token, token, err);
}

int remote_make_url(const struct remote *remote, char **out, struct err *err)
{
	if (asprintf(out, "%s://%s", remote->is_insecure ? "http" : "https", remote->uri) < 0) {
		*out = NULL;
		return out_of_memory(err);
	}
	return 0;
}

/* ---- keyservers ---- */

/* The same server: but for slashes at the end and the scheme hkp(s). */
static bool is_same_uri(const char *left, const char *right)
{
	size_t left_len = strlen(left), right_len = strlen(right);

	while (left_len > 0 && left[left_len - 1] == '/')
		left_len--;
	while (right_len > 0 && right[right_len - 1] == '/')
		right_len--;
	return left_len == right_len && strncasecmp(left, right, left_len) == 0;
}

int remote_add_keyserver(struct remote *remote, const char *uri, size_t order, bool insecure, struct err *err)
{
	struct remote_keyserver *grown;
	size_t at = remote->keyserver_count;
	char *copy;

	for (size_t i = 0; i < remote->keyserver_count; i++)
		if (is_same_uri(remote->keyservers[i].uri, uri)) {
			if (!remote->keyservers[i].skip)
				return err_set(err, ERR_SYSTEM, EEXIST, "%s is already a keyserver of %s", uri, remote->name);
			remote->keyservers[i].skip = false;
			return 0;
		}
	if (order > at + 1)
		return err_set(err, ERR_SYSTEM, EINVAL, "order is %zu, but %s has only %zu keyserver(s)", order, remote->name, at);
	grown = reallocarray(remote->keyservers, at + 1, sizeof(*grown));
	copy = strdup(uri);
	if (grown)
		remote->keyservers = grown;
	if (!grown || !copy) {
		free(copy);
		return out_of_memory(err);
	}
	if (order > 0) {
		at = order - 1;
		memmove(grown + at + 1, grown + at, (remote->keyserver_count - at) * sizeof(*grown));
	}
	grown[at] = (struct remote_keyserver){.uri = copy, .external = true, .insecure = insecure};
	remote->keyserver_count++;
	return 0;
}

int remote_remove_keyserver(struct remote *remote, const char *uri, struct err *err)
{
	for (size_t i = 0; i < remote->keyserver_count; i++) {
		struct remote_keyserver *keyserver = &remote->keyservers[i];

		if (!is_same_uri(keyserver->uri, uri) || keyserver->skip)
			continue;
		if (!keyserver->external) {
			/* The endpoint names it itself: it would come back. */
			keyserver->skip = true;
			return 0;
		}
		free(keyserver->uri);
		memmove(keyserver, keyserver + 1, (remote->keyserver_count - i - 1) * sizeof(*keyserver));
		remote->keyserver_count--;
		return 0;
	}
	return err_set(err, ERR_SYSTEM, ENOENT, "%s is not a keyserver of %s", uri, remote->name);
}

/* ---- logins elsewhere ---- */

static bool drop_credentials(struct remote_config *config, const char *uri)
{
	size_t kept = 0;

	for (size_t i = 0; i < config->credential_count; i++) {
		struct remote_credential *credential = &config->credentials[i];

		if (is_same_uri(credential->uri, uri)) {
			free(credential->uri);
			free(credential->auth);
		} else {
			config->credentials[kept++] = *credential;
		}
	}
	if (kept == config->credential_count)
		return false;
	config->credential_count = kept;
	return true;
}

static int add_credential(struct remote_config *config, const char *uri, const char *auth, bool insecure, struct err *err)
{
	struct remote_credential *grown =
		reallocarray(config->credentials, config->credential_count + 1, sizeof(*grown));
	struct remote_credential credential = {.insecure = insecure};
	int rc;

	if (!grown)
		return out_of_memory(err);
	config->credentials = grown;
	rc = set_text(&credential.uri, uri, err);
	if (rc == 0)
		rc = set_text(&credential.auth, auth, err);
	if (rc < 0) {
		free(credential.uri);
		return rc;
	}
	grown[config->credential_count++] = credential;
	return 0;
}

int remote_note_login(const char *path, const char *uri, const char *auth, bool insecure, struct err *err)
{
	cleanup_ptr char *user_path = NULL;
	struct remote_config config = REMOTE_CONFIG_INIT;
	int rc = path ? 0 : remote_user_path(&user_path, err);

	if (!path)
		path = user_path;
	if (rc == 0)
		rc = remote_load(path, false, &config, err);
	if (rc == 0) {
		(void)drop_credentials(&config, uri);
		rc = add_credential(&config, uri, auth, insecure, err);
	}
	if (rc == 0)
		rc = remote_save(path, &config, err);
	remote_config_fini(&config);
	return rc;
}

int remote_note_logout(const char *path, const char *uri, bool *found, struct err *err)
{
	cleanup_ptr char *user_path = NULL;
	struct remote_config config = REMOTE_CONFIG_INIT;
	bool dropped = false;
	int rc = path ? 0 : remote_user_path(&user_path, err);

	if (!path)
		path = user_path;
	if (rc == 0)
		rc = remote_load(path, false, &config, err);
	if (rc == 0) {
		dropped = drop_credentials(&config, uri);
		if (dropped)
			rc = remote_save(path, &config, err);
	}
	remote_config_fini(&config);
	if (rc == 0 && found)
		*found = dropped;
	return rc;
}
