/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/registry/docker_config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "frontend/registry/credential_helper.h"
#include "frontend/registry/reference.h"
#include "frontend/settings/user_dir.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define FILE_NAME "docker-config.json"
#define HUB_KEY "https://index.docker.io/v1/"

void credentials_fini(struct credentials *credentials)
{
	char *const secrets[] = {credentials->password, credentials->identity_token, credentials->registry_token};

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (secrets[i])
			explicit_bzero(secrets[i], strlen(secrets[i]));
	free(credentials->username);
	free(credentials->password);
	free(credentials->identity_token);
	free(credentials->registry_token);
	*credentials = (struct credentials)CREDENTIALS_INIT;
}

int docker_config_get_path(const char *authfile, char **out, struct err *err)
{
	cleanup_ptr char *dir = NULL;
	int rc;

	if (authfile) {
		*out = strdup(authfile);
		return *out ? 0 : err_sys(err, ENOMEM, "cannot use %s", authfile);
	}
	rc = user_dir_find(&dir, err);
	if (rc < 0)
		return rc;
	if (asprintf(out, "%s/" FILE_NAME, dir) < 0) {
		*out = NULL;
		return err_sys(err, ENOMEM, "cannot use " FILE_NAME);
	}
	return 0;
}

/* ---- keys ---- */

/* host[:port][/path] of a key that may be written as an address. */
static char *normalize(const char *key)
{
	static const char *const ends[] = {"/v1", "/v2", ""};
	const char *scheme = strstr(key, "://");
	char *name = strdup(scheme ? scheme + 3 : key);
	size_t len = name ? strlen(name) : 0;

	while (len > 0 && name[len - 1] == '/')
		name[--len] = '\0';
	for (size_t i = 0; scheme && *ends[i]; i++) {
		size_t cut = strlen(ends[i]);

		if (len > cut && strcmp(name + len - cut, ends[i]) == 0) {
			name[len - cut] = '\0';
			break;
		}
	}
	if (name && (strcmp(name, "docker.io") == 0 || strcmp(name, "registry-1.docker.io") == 0)) {
		free(name);
		name = strdup(REFERENCE_HUB);
	}
	return name;
}

/* The member of @object whose key means @name exactly; *@key (may be NULL): as it is written there. */
static json_t *find_key(json_t *object, const char *name, const char **key)
{
	const char *here;
	json_t *value;

	json_object_foreach (object, here, value) {
		cleanup_ptr char *meaning = normalize(here);

		if (meaning && strcasecmp(meaning, name) == 0) {
			if (key)
				*key = here;
			return value;
		}
	}
	return NULL;
}

/* The closest one: of the repository, of what is above it, of the registry. */
static json_t *find_closest(json_t *object, const char *registry, const char *repository, const char **key)
{
	cleanup_ptr char *name = NULL;

	if (asprintf(&name, "%s%s%s", registry, *repository ? "/" : "", repository) < 0) {
		name = NULL;
		return NULL;
	}
	for (;;) {
		json_t *value = find_key(object, name, key);
		char *slash = strrchr(name, '/');

		if (value || !slash)
			return value;
		*slash = '\0';
	}
}

/* What helpers and files call it. */
static const char *make_key(const char *name)
{
	return strcasecmp(name, REFERENCE_HUB) == 0 ? HUB_KEY : name;
}

/* ---- entries ---- */

static int take_member(json_t *entry, const char *name, char **out, struct err *err)
{
	const char *text = json_string_value(json_object_get(entry, name));

	if (!text || !*text)
		return 0;
	/* They end up in headers. */
	if (strlen(text) != json_string_length(json_object_get(entry, name)) || text[strcspn(text, "\r\n")])
		return err_set(err, ERR_SYSTEM, EINVAL, "\"%s\" has a line break or a NUL byte in it", name);
	free(*out);
	*out = strdup(text);
	return *out ? 0 : err_sys(err, ENOMEM, "cannot read credentials");
}

/* base64 of "user:password". */
static int take_auth(json_t *entry, struct credentials *out, struct err *err)
{
	const char *text = json_string_value(json_object_get(entry, "auth"));
	size_t size = text ? strlen(text) : 0, len;
	cleanup_ptr char *plain = NULL;
	char *colon;
	int got;

	if (size == 0)
		return 0;
	plain = calloc(1, size + 4);
	if (!plain)
		return err_sys(err, ENOMEM, "cannot read credentials");
	got = size % 4 == 0 ? EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)text, (int)size) : -1;
	if (got < 0)
		return err_set(err, ERR_SYSTEM, EINVAL, "\"auth\" is not base64");
	/* What pads the text is decoded to zero bytes. */
	plain[got] = '\0';
	len = strlen(plain);
	colon = memchr(plain, ':', len);
	if (!colon || plain[strcspn(plain, "\r\n")])
		return err_set(err, ERR_SYSTEM, EINVAL, "\"auth\" is not base64 of user:password");
	*colon = '\0';
	free(out->username);
	free(out->password);
	out->username = strdup(plain);
	out->password = strdup(colon + 1);
	explicit_bzero(plain, size);
	return out->username && out->password ? 0 : err_sys(err, ENOMEM, "cannot read credentials");
}

static int take_entry(json_t *entry, struct credentials *out, struct err *err)
{
	int rc = take_auth(entry, out, err);

	if (rc == 0 && !out->username)
		rc = take_member(entry, "username", &out->username, err);
	if (rc == 0 && !out->password)
		rc = take_member(entry, "password", &out->password, err);
	if (rc == 0)
		rc = take_member(entry, "identitytoken", &out->identity_token, err);
	if (rc == 0)
		rc = take_member(entry, "registrytoken", &out->registry_token, err);
	return rc;
}

static int load_json(const char *text, size_t size, json_t **out, struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);

	if (!root)
		return err_set(err, ERR_SYSTEM, EINVAL, "line %d: %s", why.line, why.text);
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(err, ERR_SYSTEM, EINVAL, "it is not a JSON object");
	}
	*out = root;
	return 0;
}

/* The program for @registry; borrowed. */
static int choose_helper(json_t *root, const char *registry, const char *repository, const char **out, struct err *err)
{
	const char *name = json_string_value(find_closest(json_object_get(root, "credHelpers"), registry, repository, NULL));

	if (!name)
		name = json_string_value(json_object_get(root, "credsStore"));
	*out = name && *name ? name : NULL;
	if (*out && !credential_helper_is_valid(*out))
		return err_set(err, ERR_SYSTEM, EINVAL, "\"%s\" is no name of a credential helper", *out);
	return 0;
}

int docker_config_parse(const char *text, size_t size, const char *registry, const char *repository, struct credentials *out,
			char **helper, struct err *err)
{
	struct credentials found = CREDENTIALS_INIT;
	const char *name = NULL;
	json_t *root, *entry;
	int rc = load_json(text, size, &root, err);

	if (rc < 0)
		return rc;
	entry = find_closest(json_object_get(root, "auths"), registry, repository, NULL);
	rc = entry ? take_entry(entry, &found, err) : 0;
	if (rc == 0)
		rc = choose_helper(root, registry, repository, &name, err);
	if (rc == 0) {
		*helper = name ? strdup(name) : NULL;
		rc = name && !*helper ? err_sys(err, ENOMEM, "cannot read credentials") : 0;
	}
	json_decref(root);
	if (rc < 0) {
		credentials_fini(&found);
		return rc;
	}
	*out = found;
	return 0;
}

/* ---- the file ---- */

/* *@text owned; -ENOENT when there is none. */
static int read_file(const char *path, char **text, size_t *size, struct err *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	cleanup_ptr char *bytes = NULL;
	struct stat st;
	size_t len = 0;

	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot read %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)DOCKER_CONFIG_BYTES_MAX)
		return err_set(err, ERR_SYSTEM, EINVAL, "%s is no regular file of at most 1 MiB", path);
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes)
		return err_sys(err, ENOMEM, "cannot read %s", path);
	while (len < (size_t)st.st_size) {
		ssize_t got = read(fd, bytes + len, (size_t)st.st_size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, errno, "cannot read %s", path);
		if (got == 0)
			break;
		len += (size_t)got;
	}
	*text = ptr_take(bytes);
	*size = len;
	return 0;
}

static int find_in(const char *path, const char *registry, const char *repository, struct credentials *out, struct err *err)
{
	cleanup_ptr char *text = NULL, *helper = NULL;
	struct credentials found = CREDENTIALS_INIT;
	size_t size;
	int rc = read_file(path, &text, &size, err);

	if (rc < 0)
		return rc;
	rc = docker_config_parse(text, size, registry, repository, &found, &helper, err);
	explicit_bzero(text, size);
	if (rc < 0)
		return err_wrap(err, "cannot use the credentials in %s", path);
	if (helper) {
		struct credentials kept = CREDENTIALS_INIT;

		rc = credential_helper_get(helper, make_key(registry), &kept, err);
		if (rc == 0) {
			credentials_fini(&found);
			found = kept;
		} else if (rc == -ENOENT) {
			rc = 0; /* what the file itself says, perhaps nothing */
		}
	}
	if (rc < 0) {
		credentials_fini(&found);
		return rc;
	}
	*out = found;
	return 0;
}

int docker_config_find(const char *authfile, const char *registry, const char *repository, struct credentials *out,
		       struct err *err)
{
	cleanup_ptr char *path = NULL;
	struct err reason = ERR_INIT;
	int rc = docker_config_get_path(authfile, &path, &reason);

	if (rc == 0)
		rc = find_in(path, registry, repository, out, &reason);
	if (rc == 0)
		return 0;
	if (authfile) {
		if (err)
			*err = reason;
		return rc;
	}
	/* The user's own file: without it, or where it cannot be used, we are nobody. */
	if (rc != -ENOENT)
		log_warning("%s", reason.message);
	*out = (struct credentials)CREDENTIALS_INIT;
	return 0;
}

/* ---- writing ---- */

static int write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, text, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		text += done;
		size -= (size_t)done;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int save_json(const char *path, json_t *root, struct err *err)
{
	cleanup_ptr char *text = json_dumps(root, JSON_INDENT(8) | JSON_PRESERVE_ORDER), *temporary = NULL;
	cleanup_ptr char *target = realpath(path, NULL); /* behind a link, if it is one */
	cleanup_fd int fd = -1;
	int rc;

	if (!text || asprintf(&temporary, "%s.XXXXXX", target ? target : path) < 0) {
		temporary = NULL;
		return err_sys(err, ENOMEM, "cannot write %s", path);
	}
	fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return err_sys(err, errno, "cannot write %s", path);
	rc = write_all(fd, text, strlen(text));
	if (rc == 0 && rename(temporary, target ? target : path) < 0)
		rc = -errno;
	explicit_bzero(text, strlen(text));
	if (rc == 0)
		return 0;
	(void)unlink(temporary);
	return err_sys(err, -rc, "cannot write %s", path);
}

/* The file's contents, an empty object where there is none: *@root owned. */
static int load_for_change(const char *authfile, char **path, json_t **root, struct err *err)
{
	cleanup_ptr char *text = NULL, *dir = NULL;
	size_t size;
	int rc = authfile ? 0 : user_dir_make(&dir, err);

	if (rc == 0)
		rc = docker_config_get_path(authfile, path, err);
	if (rc < 0)
		return rc;
	rc = read_file(*path, &text, &size, err);
	if (rc == -ENOENT || (rc == 0 && size == 0)) {
		*root = json_object();
		return *root ? 0 : err_sys(err, ENOMEM, "cannot change %s", *path);
	}
	if (rc == 0 && load_json(text, size, root, err) < 0)
		rc = err_wrap(err, "cannot change %s", *path);
	return rc;
}

static json_t *make_entry(const char *username, const char *password)
{
	cleanup_ptr char *pair = NULL, *encoded = NULL;
	int len = asprintf(&pair, "%s:%s", username, password);
	json_t *entry;

	if (len < 0) {
		pair = NULL;
		return NULL;
	}
	encoded = malloc((size_t)len * 4 / 3 + 8);
	if (!encoded)
		return NULL;
	(void)EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)pair, len);
	entry = json_pack("{s:s}", "auth", encoded);
	explicit_bzero(pair, (size_t)len);
	return entry;
}

/* registry and repository of a name. */
static int split_name(const char *name, char **registry, const char **repository, struct err *err)
{
	const char *slash = strchr(name, '/');

	*registry = strndup(name, slash ? (size_t)(slash - name) : strlen(name));
	*repository = slash ? slash + 1 : "";
	return *registry ? 0 : err_sys(err, ENOMEM, "cannot read %s", name);
}

static int put_entry(json_t *root, const char *name, json_t *entry, struct err *err)
{
	json_t *auths = json_object_get(root, "auths");
	const char *key = NULL;

	if (!json_is_object(auths)) {
		auths = json_object();
		if (json_object_set_new(root, "auths", auths) < 0)
			auths = NULL;
	}
	if (auths && find_key(auths, name, &key) && strcmp(key, make_key(name)) != 0)
		(void)json_object_del(auths, key);
	/* Takes the entry over also when it fails. */
	if (!auths || json_object_set_new(auths, make_key(name), entry) < 0)
		return err_sys(err, ENOMEM, "cannot keep credentials");
	return 0;
}

int docker_config_store(const char *authfile, const char *name, const char *username, const char *password, struct err *err)
{
	cleanup_ptr char *path = NULL, *registry = NULL;
	const char *repository, *helper = NULL;
	json_t *root = NULL;
	int rc = split_name(name, &registry, &repository, err);

	if (rc == 0)
		rc = load_for_change(authfile, &path, &root, err);
	if (rc == 0)
		rc = choose_helper(root, registry, repository, &helper, err);
	if (rc == 0 && helper)
		rc = credential_helper_store(helper, make_key(name), username, password, err);
	if (rc == 0)
		rc = put_entry(root, name, helper ? json_object() : make_entry(username, password), err);
	if (rc == 0)
		rc = save_json(path, root, err);
	json_decref(root);
	return rc;
}

int docker_config_erase(const char *authfile, const char *name, struct err *err)
{
	cleanup_ptr char *path = NULL, *registry = NULL;
	const char *repository, *helper = NULL, *key = NULL;
	bool found = false;
	json_t *root = NULL;
	int rc = split_name(name, &registry, &repository, err);

	if (rc == 0)
		rc = load_for_change(authfile, &path, &root, err);
	if (rc == 0)
		rc = choose_helper(root, registry, repository, &helper, err);
	if (rc == 0 && helper) {
		rc = credential_helper_erase(helper, make_key(name), err);
		found = rc == 0;
		if (rc == -ENOENT)
			rc = 0;
	}
	if (rc == 0 && find_key(json_object_get(root, "auths"), name, &key)) {
		(void)json_object_del(json_object_get(root, "auths"), key);
		rc = save_json(path, root, err);
		found = true;
	}
	json_decref(root);
	if (rc == 0 && !found)
		return err_set(err, ERR_SYSTEM, ENOENT, "not logged in to %s", name);
	return rc;
}

int docker_config_list(const char *authfile, struct strlist *out, struct err *err)
{
	static const char *const sections[] = {"auths", "credHelpers"};
	cleanup_ptr char *path = NULL, *text = NULL;
	json_t *root, *value;
	const char *key;
	size_t size;
	int rc = docker_config_get_path(authfile, &path, err);

	if (rc == 0)
		rc = read_file(path, &text, &size, err);
	if (rc < 0)
		return rc == -ENOENT && !authfile ? 0 : rc;
	if (load_json(text, size, &root, err) < 0)
		return err_wrap(err, "cannot read %s", path);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		json_object_foreach (json_object_get(root, sections[i]), key, value) {
			cleanup_ptr char *name = normalize(key);

			if (name)
				strlist_add(out, name);
		}
	}
	json_decref(root);
	return 0;
}
