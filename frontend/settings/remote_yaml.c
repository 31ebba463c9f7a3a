/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of remote.yaml, both ways, by libyaml. A table says which keys a mapping may have; all others are refused. */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "frontend/settings/remote.h"
#include "ipc/cleanup.h"

#define ENTRIES_MAX 4096 /* of any list: far more than anybody has */

/* What one key may hold. */
struct field {
	const char *key;
	char **text; /* either */
	bool *truth; /* or */
	yaml_node_t **node;
};

struct reader {
	yaml_document_t document;
	struct err *err;
};

/* ---- reading ---- */

static int refuse(const struct reader *reader, const yaml_node_t *node, const char *what, const char *key)
{
	return err_set(reader->err, ERR_SYSTEM, EINVAL, "line %zu: %s%s%s", node->start_mark.line + 1, what, key ? " " : "",
		       key ? key : "");
}

static const char *scalar_text(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

/* A text without NUL inside, which C would cut. */
static bool is_text(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE && strlen(scalar_text(node)) == node->data.scalar.length;
}

static bool is_null(const yaml_node_t *node)
{
	const char *text;

	if (!is_text(node) || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	text = scalar_text(node);
	return *text == '\0' || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0;
}

static int read_truth(const struct reader *reader, const yaml_node_t *node, const char *key, bool *out)
{
	if (is_null(node))
		*out = false;
	else if (is_text(node) && strcasecmp(scalar_text(node), "true") == 0)
		*out = true;
	else if (is_text(node) && strcasecmp(scalar_text(node), "false") == 0)
		*out = false;
	else
		return refuse(reader, node, "neither true nor false:", key);
	return 0;
}

static int read_text(const struct reader *reader, const yaml_node_t *node, const char *key, char **out)
{
	if (is_null(node) || (is_text(node) && *scalar_text(node) == '\0'))
		return 0;
	if (!is_text(node))
		return refuse(reader, node, "not a text:", key);
	*out = strdup(scalar_text(node));
	return *out ? 0 : err_sys(reader->err, ENOMEM, "cannot keep the remotes");
}

/* The values of @node, a mapping, to the places that @fields name. */
static int read_mapping(struct reader *reader, const yaml_node_t *node, const struct field *fields, size_t count)
{
	uint32_t seen = 0;

	if (is_null(node))
		return 0;
	if (node->type != YAML_MAPPING_NODE)
		return refuse(reader, node, "not a mapping", NULL);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
		yaml_node_t *value = yaml_document_get_node(&reader->document, pair->value);
		size_t i = 0;
		int rc = 0;

		if (!is_text(key))
			return refuse(reader, key, "a key is not a text", NULL);
		while (i < count && strcmp(fields[i].key, scalar_text(key)) != 0)
			i++;
		if (i == count)
			return refuse(reader, key, "unknown key", scalar_text(key));
		if (seen & UINT32_C(1) << i)
			return refuse(reader, key, "twice the key", scalar_text(key));
		seen |= UINT32_C(1) << i;
		if (fields[i].text)
			rc = read_text(reader, value, fields[i].key, fields[i].text);
		else if (fields[i].truth)
			rc = read_truth(reader, value, fields[i].key, fields[i].truth);
		else
			*fields[i].node = value;
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The items of @node, a sequence, and how many. */
static int open_sequence(const struct reader *reader, const yaml_node_t *node, const char *key, yaml_node_item_t **items,
			 size_t *count)
{
	*count = 0;
	if (!node || is_null(node))
		return 0;
	if (node->type != YAML_SEQUENCE_NODE)
		return refuse(reader, node, "not a list:", key);
	*items = node->data.sequence.items.start;
	*count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	return *count <= ENTRIES_MAX ? 0 : refuse(reader, node, "too many entries of", key);
}

static int read_keyservers(struct reader *reader, const yaml_node_t *node, struct remote *remote)
{
	yaml_node_item_t *items = NULL;
	size_t count;
	int rc = open_sequence(reader, node, "Keyservers", &items, &count);

	if (rc < 0 || count == 0)
		return rc;
	remote->keyservers = calloc(count, sizeof(*remote->keyservers));
	if (!remote->keyservers)
		return err_sys(reader->err, ENOMEM, "cannot keep the remotes");
	for (size_t i = 0; i < count; i++) {
		struct remote_keyserver *out = &remote->keyservers[i];
		const yaml_node_t *item = yaml_document_get_node(&reader->document, items[i]);
		const struct field fields[] = {{.key = "URI", .text = &out->uri},
					       {.key = "Skip", .truth = &out->skip},
					       {.key = "External", .truth = &out->external},
					       {.key = "Insecure", .truth = &out->insecure}};

		remote->keyserver_count++;
		rc = read_mapping(reader, item, fields, sizeof(fields) / sizeof(fields[0]));
		if (rc == 0 && !out->uri)
			rc = refuse(reader, item, "a keyserver without URI", NULL);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_remote(struct reader *reader, const yaml_node_t *node, struct remote *out)
{
	yaml_node_t *keyservers = NULL;
	const struct field fields[] = {{.key = "URI", .text = &out->uri},
				       {.key = "Token", .text = &out->token},
				       {.key = "System", .truth = &out->is_system},
				       {.key = "Exclusive", .truth = &out->is_exclusive},
				       {.key = "Insecure", .truth = &out->is_insecure},
				       {.key = "Keyservers", .node = &keyservers}};
	int rc = read_mapping(reader, node, fields, sizeof(fields) / sizeof(fields[0]));

	if (rc == 0 && !out->uri)
		rc = refuse(reader, node, "no URI in the remote", out->name);
	return rc < 0 ? rc : read_keyservers(reader, keyservers, out);
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(((const struct remote *)left)->name, ((const struct remote *)right)->name);
}

static int read_remotes(struct reader *reader, const yaml_node_t *node, struct remote_config *out)
{
	size_t count;

	if (!node || is_null(node))
		return 0;
	if (node->type != YAML_MAPPING_NODE)
		return refuse(reader, node, "not a mapping:", "Remotes");
	count = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
	if (count > ENTRIES_MAX)
		return refuse(reader, node, "too many entries of", "Remotes");
	out->remotes = calloc(count + 1, sizeof(*out->remotes));
	if (!out->remotes)
		return err_sys(reader->err, ENOMEM, "cannot keep the remotes");
	for (size_t i = 0; i < count; i++) {
		yaml_node_pair_t *pair = node->data.mapping.pairs.start + i;
		const yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
		struct remote *remote = &out->remotes[out->count++];
		int rc;

		if (!is_text(key) || is_null(key))
			return refuse(reader, key, "the name of a remote is not a text", NULL);
		remote->name = strdup(scalar_text(key));
		if (!remote->name)
			return err_sys(reader->err, ENOMEM, "cannot keep the remotes");
		rc = read_remote(reader, yaml_document_get_node(&reader->document, pair->value), remote);
		if (rc < 0)
			return rc;
	}
	qsort(out->remotes, out->count, sizeof(*out->remotes), compare_names);
	for (size_t i = 1; i < out->count; i++)
		if (strcmp(out->remotes[i - 1].name, out->remotes[i].name) == 0)
			return refuse(reader, node, "twice the remote", out->remotes[i].name);
	return 0;
}

static int read_credentials(struct reader *reader, const yaml_node_t *node, struct remote_config *out)
{
	yaml_node_item_t *items = NULL;
	size_t count;
	int rc = open_sequence(reader, node, "Credentials", &items, &count);

	if (rc < 0 || count == 0)
		return rc;
	out->credentials = calloc(count, sizeof(*out->credentials));
	if (!out->credentials)
		return err_sys(reader->err, ENOMEM, "cannot keep the remotes");
	for (size_t i = 0; i < count; i++) {
		struct remote_credential *credential = &out->credentials[out->credential_count++];
		const yaml_node_t *item = yaml_document_get_node(&reader->document, items[i]);
		const struct field fields[] = {{.key = "URI", .text = &credential->uri},
					       {.key = "Auth", .text = &credential->auth},
					       {.key = "Insecure", .truth = &credential->insecure}};

		rc = read_mapping(reader, item, fields, sizeof(fields) / sizeof(fields[0]));
		if (rc == 0 && !credential->uri)
			rc = refuse(reader, item, "a credential without URI", NULL);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_root(struct reader *reader, struct remote_config *out)
{
	yaml_node_t *root = yaml_document_get_root_node(&reader->document), *remotes = NULL, *credentials = NULL;
	const struct field fields[] = {{.key = "Active", .text = &out->active},
				       {.key = "Remotes", .node = &remotes},
				       {.key = "Credentials", .node = &credentials}};
	int rc;

	if (!root)
		return 0;
	rc = read_mapping(reader, root, fields, sizeof(fields) / sizeof(fields[0]));
	if (rc == 0)
		rc = read_remotes(reader, remotes, out);
	return rc < 0 ? rc : read_credentials(reader, credentials, out);
}

static int refuse_syntax(const yaml_parser_t *parser, struct err *err)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return err_sys(err, ENOMEM, "cannot keep the remotes");
	return err_set(err, ERR_SYSTEM, EINVAL, "line %zu: not YAML: %s", parser->problem_mark.line + 1,
		       parser->problem ? parser->problem : "bad characters");
}

/* One document, and nothing behind it. */
static int load_single(yaml_parser_t *parser, struct remote_config *out, struct err *err)
{
	struct reader reader = {.err = err};
	yaml_document_t next;
	int rc;

	if (!yaml_parser_load(parser, &reader.document))
		return refuse_syntax(parser, err);
	rc = read_root(&reader, out);
	yaml_document_delete(&reader.document);
	if (rc < 0)
		return rc;
	if (!yaml_parser_load(parser, &next))
		return refuse_syntax(parser, err);
	if (yaml_document_get_root_node(&next))
		rc = err_set(err, ERR_SYSTEM, EINVAL, "more than one YAML document");
	yaml_document_delete(&next);
	return rc;
}

int remote_parse(const char *bytes, size_t size, struct remote_config *out, struct err *err)
{
	struct remote_config config = REMOTE_CONFIG_INIT;
	struct err own = ERR_INIT;
	yaml_parser_t parser;
	int rc;

	if (!yaml_parser_initialize(&parser))
		return err_sys(err, ENOMEM, "cannot keep the remotes");
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, size);
	rc = load_single(&parser, &config, &own);
	yaml_parser_delete(&parser);
	if (rc < 0) {
		remote_config_fini(&config);
		return err_set(err, own.kind, own.errnum, "%s", own.message);
	}
	*out = config;
	return 0;
}

/* ---- writing ---- */

struct writer {
	yaml_document_t document;
	bool failed; /* out of memory; looked at once, at the end */
};

static int add_scalar(struct writer *writer, const char *text, yaml_scalar_style_t style)
{
	size_t len = strlen(text);
	cleanup_ptr yaml_char_t *copy = malloc(len + 1);
	int node = 0;

	if (copy && len <= INT_MAX) {
		memcpy(copy, text, len + 1);
		node = yaml_document_add_scalar(&writer->document, NULL, copy, (int)len, style);
	}
	writer->failed |= node == 0;
	return node;
}

/* What would read as null or a truth value is quoted; the rest libyaml decides. */
static int add_text(struct writer *writer, const char *text)
{
	static const char *const special[] = {"", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n"};

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (strcasecmp(text, special[i]) == 0)
			return add_scalar(writer, text, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
	return add_scalar(writer, text, YAML_ANY_SCALAR_STYLE);
}

static void append(struct writer *writer, int mapping, const char *key, int value)
{
	int name = add_text(writer, key);

	if (!writer->failed && !yaml_document_append_mapping_pair(&writer->document, mapping, name, value))
		writer->failed = true;
}

static void put_text(struct writer *writer, int mapping, const char *key, const char *text)
{
	if (text)
		append(writer, mapping, key, add_text(writer, text));
}

static void put_truth(struct writer *writer, int mapping, const char *key, bool truth)
{
	append(writer, mapping, key, add_scalar(writer, truth ? "true" : "false", YAML_PLAIN_SCALAR_STYLE));
}

static int add_mapping(struct writer *writer)
{
	int node = yaml_document_add_mapping(&writer->document, NULL, YAML_BLOCK_MAPPING_STYLE);

	writer->failed |= node == 0;
	return node;
}

static int add_sequence(struct writer *writer)
{
	int node = yaml_document_add_sequence(&writer->document, NULL, YAML_BLOCK_SEQUENCE_STYLE);

	writer->failed |= node == 0;
	return node;
}

static void append_item(struct writer *writer, int sequence, int item)
{
	if (!writer->failed && !yaml_document_append_sequence_item(&writer->document, sequence, item))
		writer->failed = true;
}

static int write_keyservers(struct writer *writer, const struct remote *remote)
{
	int sequence = add_sequence(writer);

	for (size_t i = 0; i < remote->keyserver_count; i++) {
		const struct remote_keyserver *keyserver = &remote->keyservers[i];
		int item = add_mapping(writer);

		put_text(writer, item, "URI", keyserver->uri);
		if (keyserver->skip)
			put_truth(writer, item, "Skip", true);
		put_truth(writer, item, "External", keyserver->external);
		put_truth(writer, item, "Insecure", keyserver->insecure);
		append_item(writer, sequence, item);
	}
	return sequence;
}

static int write_remote(struct writer *writer, const struct remote *remote)
{
	int mapping = add_mapping(writer);

	put_text(writer, mapping, "URI", remote->uri);
	put_text(writer, mapping, "Token", remote->token);
	put_truth(writer, mapping, "System", remote->is_system);
	put_truth(writer, mapping, "Exclusive", remote->is_exclusive);
	if (remote->is_insecure)
		put_truth(writer, mapping, "Insecure", true);
	if (remote->keyserver_count > 0)
		append(writer, mapping, "Keyservers", write_keyservers(writer, remote));
	return mapping;
}

static int write_credentials(struct writer *writer, const struct remote_config *config)
{
	int sequence = add_sequence(writer);

	for (size_t i = 0; i < config->credential_count; i++) {
		const struct remote_credential *credential = &config->credentials[i];
		int item = add_mapping(writer);

		put_text(writer, item, "URI", credential->uri);
		put_text(writer, item, "Auth", credential->auth);
		put_truth(writer, item, "Insecure", credential->insecure);
		append_item(writer, sequence, item);
	}
	return sequence;
}

static void write_root(struct writer *writer, const struct remote_config *config)
{
	int root = add_mapping(writer), remotes;

	put_text(writer, root, "Active", config->active ? config->active : "");
	remotes = add_mapping(writer);
	for (size_t i = 0; i < config->count; i++)
		append(writer, remotes, config->remotes[i].name, write_remote(writer, &config->remotes[i]));
	append(writer, root, "Remotes", remotes);
	if (config->credential_count > 0)
		append(writer, root, "Credentials", write_credentials(writer, config));
}

struct text {
	char *bytes;
	size_t size;
};

static int grow_text(void *context, unsigned char *bytes, size_t size)
{
	struct text *text = context;
	char *grown = realloc(text->bytes, text->size + size + 1);

	if (!grown)
		return 0;
	memcpy(grown + text->size, bytes, size);
	text->bytes = grown;
	text->size += size;
	grown[text->size] = '\0';
	return 1;
}

static bool dump(struct writer *writer, struct text *text)
{
	yaml_emitter_t emitter;
	bool done;

	if (!yaml_emitter_initialize(&emitter)) {
		yaml_document_delete(&writer->document);
		return false;
	}
	yaml_emitter_set_output(&emitter, grow_text, text);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	/* yaml_emitter_dump() takes the document in any case. */
	done = yaml_emitter_open(&emitter) && yaml_emitter_dump(&emitter, &writer->document) && yaml_emitter_close(&emitter);
	yaml_emitter_delete(&emitter);
	return done;
}

int remote_format(const struct remote_config *config, char **out, size_t *size, struct err *err)
{
	struct writer writer = {.failed = false};
	struct text text = {NULL, 0};

	if (!yaml_document_initialize(&writer.document, NULL, NULL, NULL, 1, 1))
		return err_sys(err, ENOMEM, "cannot write the remotes");
	write_root(&writer, config);
	if (writer.failed)
		yaml_document_delete(&writer.document);
	else if (dump(&writer, &text)) {
		*out = text.bytes;
		*size = text.size;
		return 0;
	}
	free(text.bytes);
	return err_set(err, ERR_SYSTEM, EINVAL, "cannot write the remotes: a text in them is not UTF-8, or memory is out");
}
