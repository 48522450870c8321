/*
 * An extension of freeDiameter 1.2.1 that asks for purges (S6a, TS 29.272 section 5.2.1.3) and answers them: Debian's
 * package has no application of its own. Debian has no headers for it either, so what is used of the interface of
 * libfdproto and libfdcore is declared here.
 *
 *   LoadExtension = "/path/purge.fdx" : "HOST[,HOST]...";
 *
 * SIGUSR1 sends each of the hosts one request for each of the sizes below. A request and its answer carry the AVP Class
 * with that many octets; the answer must bring the same ones back. What happens is told on standard error, a line each:
 *
 *   purge: asked by HOST, N octets          purge: HOST answered 2001, N octets
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- of libfdproto and libfdcore, version 1.2.1, LP64 --- */

struct dictionary;
struct dict_object;
struct msg;
struct avp;
struct session;

enum { OBJECT_VENDOR = 1, OBJECT_APPLICATION = 2, OBJECT_AVP = 5, OBJECT_COMMAND = 6, OBJECT_RULE = 7 };
enum { RULE_FIXED_HEAD = 1, RULE_REQUIRED = 2 };
enum { VENDOR_BY_NUMBER = 10, AVP_BY_ITS_NAME = 51 };
enum { LAST_CHILD = 4, NEW_END_TO_END = 1, BY_COMMAND = 3 };
enum { FLAG_REQUEST = 0x80, FLAG_PROXIABLE = 0x40, FLAG_ERROR = 0x20 };

struct vendor { uint32_t id; const char *name; };
struct application { uint32_t id; const char *name; };
struct command { uint32_t code; const char *name; uint8_t fixed, flags; };
struct rule { struct dict_object *avp; int position; unsigned order; int least, most; };
struct octets { uint8_t *data; size_t length; };
union value { struct octets octets; uint32_t number; uint64_t widest; };
struct avp_header { uint32_t code; uint8_t flags; uint32_t length, vendor; union value *value; };
struct filter { struct dict_object *application, *command, *avp, *value; };

/* The beginning of the daemon's configuration, as far as the dictionary. */
struct list { struct list *next, *previous, *head; void *owner; };
struct configuration {
    int mark;
    const char *file;
    char *identity;
    size_t identity_length;
    char *realm;
    size_t realm_length;
    unsigned tc, tw;
    uint16_t port, port_tls, port_old, streams;
    struct list endpoints;
    int threads;
    struct list applications;
    uint16_t dispatchers;
    unsigned flags;
    int tls_disabled;
    char *certificate, *key, *authority;
    int authorities;
    char *revoked, *priorities;
    unsigned dh_bits;
    char *dh_file;
    void *gnutls[4];
    uint32_t state_id;
    struct dictionary *dictionary;
};
enum { CONFIGURATION_MARK = 0xC011F16 };

extern const char fd_core_version[];
extern struct configuration *fd_g_config;

int fd_dict_search(struct dictionary *, int kind, int criterion, const void *what, struct dict_object **, int otherwise);
int fd_dict_new(struct dictionary *, int kind, const void *data, struct dict_object *parent, struct dict_object **);
int fd_msg_new(struct dict_object *model, int flags, struct msg **);
int fd_msg_new_session(struct msg *, uint8_t *words, size_t length);
int fd_msg_add_origin(struct msg *, int with_state_id);
int fd_msg_new_answer_from_req(struct dictionary *, struct msg **, int flags);
int fd_msg_rescode_set(struct msg *, char *code, char *words, struct avp *failed, int kind);
int fd_msg_search_avp(struct msg *, struct dict_object *model, struct avp **);
int fd_msg_avp_new(struct dict_object *model, int flags, struct avp **);
int fd_msg_avp_setvalue(struct avp *, union value *);
int fd_msg_avp_add(void *parent, int where, struct avp *);
int fd_msg_avp_hdr(struct avp *, struct avp_header **);
int fd_msg_free(struct msg *);
int fd_msg_send(struct msg **, void (*answered)(void *, struct msg **), void *data);
int fd_disp_register(int (*)(struct msg **, struct avp *, struct session *, void *, int *), int how, struct filter *,
                     void *data, void **handle);
int fd_disp_app_support(struct dict_object *application, struct dict_object *vendor, int auth, int acct);
int fd_event_trig_regcb(int number, const char *module, void (*)(void));

/* --- the extension --- */

const char *fd_ext_depends[] = { "purge", NULL };

static const size_t sizes[] = { 100, 5000, 60000 };
static struct dict_object *request_model, *class_model, *result_model, *host_model;
static char *hosts;

static int model(const char *name, struct dict_object **found) {
    return fd_dict_search(fd_g_config->dictionary, OBJECT_AVP, AVP_BY_ITS_NAME, name, found, ENOENT);
}

static union value *value_of(struct msg *message, struct dict_object *what) {
    struct avp *avp = NULL;
    struct avp_header *header = NULL;
    if (fd_msg_search_avp(message, what, &avp) || !avp || fd_msg_avp_hdr(avp, &header)) return NULL;
    return header->value;
}

static int add(struct msg *message, struct dict_object *what, union value *value) {
    struct avp *avp = NULL;
    int error = fd_msg_avp_new(what, 0, &avp);
    if (!error) error = fd_msg_avp_setvalue(avp, value);
    if (!error) error = fd_msg_avp_add(message, LAST_CHILD, avp);
    return error;
}

static int add_text(struct msg *message, const char *name, const char *text) {
    struct dict_object *what;
    union value value = { .octets = { (uint8_t *)text, strlen(text) } };
    int error = model(name, &what);
    return error ? error : add(message, what, &value);
}

static int add_number(struct msg *message, const char *name, uint32_t number) {
    struct dict_object *what;
    union value value = { .number = number };
    int error = model(name, &what);
    return error ? error : add(message, what, &value);
}

/* The octets that travel: no two neighbouring pages are alike, so a piece that is lost or out of place shows. */
static uint8_t octet_at(size_t at) { return (uint8_t)(at * 7 + (at >> 8) * 13 + (at >> 16)); }

static int is_whole(const struct octets *octets) {
    for (size_t at = 0; at < octets->length; at++)
        if (octets->data[at] != octet_at(at)) return 0;
    return 1;
}

static int on_request(struct msg **message, struct avp *unused, struct session *session, void *data, int *action) {
    union value *class = value_of(*message, class_model), *host = value_of(*message, host_model), copy;
    int error;
    (void)unused, (void)session, (void)data, (void)action;
    if (!class || !host) return EINVAL;
    fprintf(stderr, "purge: asked by %.*s, %zu octets%s\n", (int)host->octets.length, (char *)host->octets.data,
            class->octets.length, is_whole(&class->octets) ? "" : ", not those that were sent");
    /* The request goes with its values when the answer has been made. */
    copy.octets.length = class->octets.length;
    copy.octets.data = malloc(copy.octets.length + 1);
    if (!copy.octets.data) return ENOMEM;
    memcpy(copy.octets.data, class->octets.data, copy.octets.length);
    error = fd_msg_new_answer_from_req(fd_g_config->dictionary, message, 0);
    if (!error) error = fd_msg_rescode_set(*message, "DIAMETER_SUCCESS", NULL, NULL, 1);
    if (!error) error = add_number(*message, "Auth-Session-State", 1);
    if (!error) error = add(*message, class_model, &copy);
    if (!error) error = fd_msg_send(message, NULL, NULL);
    free(copy.octets.data);
    return error;
}

static void on_answer(void *data, struct msg **message) {
    size_t size = (size_t)data;
    union value *class = value_of(*message, class_model), *host = value_of(*message, host_model);
    union value *result = value_of(*message, result_model);
    int whole = class && class->octets.length == size && is_whole(&class->octets);
    fprintf(stderr, "purge: %.*s answered %u, %zu octets%s\n", host ? (int)host->octets.length : 0,
            host ? (char *)host->octets.data : "", result ? result->number : 0, class ? class->octets.length : 0,
            whole ? "" : ", not those that were sent");
    fd_msg_free(*message);
    *message = NULL;
}

static int ask(const char *host, size_t size) {
    struct msg *message = NULL;
    union value class = { .octets = { malloc(size), size } };
    int error = class.octets.data ? fd_msg_new(request_model, NEW_END_TO_END, &message) : ENOMEM;
    for (size_t at = 0; !error && at < size; at++) class.octets.data[at] = octet_at(at);
    if (!error) error = fd_msg_new_session(message, (uint8_t *)"purge", 5);
    if (!error) error = add_number(message, "Auth-Session-State", 1);
    if (!error) error = fd_msg_add_origin(message, 0);
    if (!error) error = add_text(message, "Destination-Host", host);
    if (!error) error = add_text(message, "Destination-Realm", fd_g_config->realm);
    if (!error) error = add_text(message, "User-Name", "001010000000001");
    if (!error) error = add(message, class_model, &class);
    if (!error) error = fd_msg_send(&message, on_answer, (void *)size);
    if (error) fprintf(stderr, "purge: %s was not asked: %s\n", host, strerror(error));
    free(class.octets.data);
    return error;
}

static void on_signal(void) {
    char *copy = strdup(hosts), *rest = copy, *host;
    while (copy && (host = strsep(&rest, ",")))
        for (size_t at = 0; at < sizeof sizes / sizeof *sizes; at++) ask(host, sizes[at]);
    free(copy);
}

/* What a request must carry, each once. */
static int add_rules(void) {
    static const char *const names[] = { "Session-Id", "Auth-Session-State", "Origin-Host", "Origin-Realm",
                                         "Destination-Realm", "User-Name", "Class" };
    int error = 0;
    for (size_t at = 0; !error && at < sizeof names / sizeof *names; at++) {
        struct rule rule = { NULL, at ? RULE_REQUIRED : RULE_FIXED_HEAD, at ? 0 : 1, 1, 1 };
        error = model(names[at], &rule.avp);
        if (!error) error = fd_dict_new(fd_g_config->dictionary, OBJECT_RULE, &rule, request_model, NULL);
    }
    return error;
}

int fd_ext_init(int major, int minor, char *words) {
    static const struct vendor vendor = { 10415, "3GPP" };
    static const struct application application = { 16777251, "S6a" };
    const uint8_t fixed = FLAG_REQUEST | FLAG_PROXIABLE | FLAG_ERROR;
    const struct command request = { 321, "Purge-UE-Request", fixed, FLAG_REQUEST | FLAG_PROXIABLE };
    const struct command answer = { 321, "Purge-UE-Answer", FLAG_REQUEST | FLAG_PROXIABLE, FLAG_PROXIABLE };
    struct dictionary *dictionary = fd_g_config->dictionary;
    struct dict_object *vendor_object, *application_object;
    struct filter filter = { 0 };
    int error;
    if (major != 1 || minor != 2 || !strstr(fd_core_version, "1.2.1") || fd_g_config->mark != CONFIGURATION_MARK) {
        fprintf(stderr, "purge: written for freeDiameter 1.2.1, and this is %s\n", fd_core_version);
        return EINVAL;
    }
    hosts = strdup(words ? words : "");
    error = model("Class", &class_model);
    if (!error) error = model("Result-Code", &result_model);
    if (!error) error = model("Origin-Host", &host_model);
    if (!error) {
        error = fd_dict_search(dictionary, OBJECT_VENDOR, VENDOR_BY_NUMBER, &vendor.id, &vendor_object, ENOENT);
        if (error == ENOENT) error = fd_dict_new(dictionary, OBJECT_VENDOR, &vendor, NULL, &vendor_object);
    }
    if (!error) error = fd_dict_new(dictionary, OBJECT_APPLICATION, &application, vendor_object, &application_object);
    if (!error) error = fd_dict_new(dictionary, OBJECT_COMMAND, &request, application_object, &request_model);
    if (!error) error = add_rules();
    if (!error) error = fd_dict_new(dictionary, OBJECT_COMMAND, &answer, application_object, NULL);
    filter.application = application_object;
    filter.command = request_model;
    if (!error) error = fd_disp_register(on_request, BY_COMMAND, &filter, NULL, NULL);
    if (!error) error = fd_disp_app_support(application_object, vendor_object, 1, 0);
    if (!error) error = fd_event_trig_regcb(SIGUSR1, "purge", on_signal);
    fprintf(stderr, "purge: %s\n", error ? strerror(error) : "ready");
    return error;
}
