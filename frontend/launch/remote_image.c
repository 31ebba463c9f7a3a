/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/remote_image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/launch/child.h"
#include "frontend/launch/tmp_sandbox.h"
#include "frontend/pull/resolve.h"
#include "frontend/strlist.h"
#include "ipc/cleanup.h"

bool remote_image_is_reference(const char *image)
{
	static const char *const schemes[] = {"library", "shub", "docker", "docker-archive", "docker-daemon",
					      "oci",	 "oci-archive", "http", "https", "oras", NULL};
	const char *colon = strchr(image, ':');

	if (!colon || access(image, F_OK) == 0)
		return false;
	if (strncmp(colon, "://", 3) == 0)
		return true;
	for (size_t i = 0; schemes[i]; i++)
		if (strlen(schemes[i]) == (size_t)(colon - image) && strncmp(image, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return false;
}

/* @into NULL: to the cache. */
static void fill_words(const struct cli_request *request, const char *into, struct strlist *words)
{
	strlist_add(words, "imager");
	strlist_add(words, "resolve");
	for (size_t i = 0; i < request->forward.count; i++)
		strlist_add(words, request->forward.items[i]);
	if (into)
		strlist_addf(words, "--into=%s", into);
	strlist_add(words, "--");
	strlist_add(words, request->action.image);
}

static int read_path(int fd, char **path, struct err *err)
{
	char text[PATH_MAX + 2];
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

	if (length < 2 || text[length - 1] != '\n')
		return err_set(err, ERR_BUG, EPROTO, "the imager did not say where the image is");
	text[length - 1] = '\0';
	*path = strdup(text);
	return *path ? 0 : err_sys(err, ENOMEM, "cannot keep the path of the image");
}

/* *@path stays NULL where there is no cache. */
static int fetch_to_cache(const struct cli_request *request, char **path, struct err *err)
{
	cleanup_fd int answer_fd = memfd_create("image", MFD_CLOEXEC);
	struct strlist words = {0, NULL};
	int status, result;

	if (answer_fd < 0)
		return err_sys(err, errno, "cannot start the imager");
	fill_words(request, NULL, &words);
	child_block_signals();
	result = child_run_imager(&words, answer_fd, &status, err);
	strlist_fini(&words);
	if (result == 0 && status != 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == RESOLVE_NO_CACHE))
		child_end_as(status);
	child_restore_signals();
	if (result < 0 || status != 0)
		return result;
	return read_path(answer_fd, path, err);
}

static int fetch_to_temporary(const struct cli_request *request, char **path, struct err *err)
{
	struct tmp_sandbox place;
	struct strlist words = {0, NULL};
	int status, result = tmp_sandbox_make_place(request->action.tmpdir, &place, err);

	if (result < 0)
		return result;
	fill_words(request, place.root, &words);
	result = child_run_imager(&words, -1, &status, err);
	strlist_fini(&words);
	if (result == 0 && status != 0) {
		tmp_sandbox_remove(&place);
		child_end_as(status);
	}
	if (result == 0)
		result = tmp_sandbox_fork(&place, err);
	if (result == 0) {
		*path = strdup(place.root);
		return *path ? 0 : err_sys(err, ENOMEM, "cannot keep the path of the image");
	}
	tmp_sandbox_remove(&place);
	child_restore_signals();
	return result;
}

int remote_image_fetch(const struct cli_request *request, char **path, struct err *err)
{
	int result = 0;

	*path = NULL;
	if (!request->action.disable_cache)
		result = fetch_to_cache(request, path, err);
	return result < 0 || *path ? result : fetch_to_temporary(request, path, err);
}
