/*
 * An extension of freeDiameter 1.2.1 that asks for purges (S6a, TS 29.272 section 5.2.1.3) and answers them: Debian's
 * package has no application of its own. The headers are those of libfreediameter-dev.
 *
 *   LoadExtension = "/path/purge.fdx" : "HOST[,HOST]...";
 *
 * SIGUSR1 sends each of the hosts one request for each of the sizes below. A request and its answer carry the AVP Class
 * with that many octets; the answer must bring the same ones back. What happens is told on standard error, a line each:
 *
 *   purge: asked by HOST, N octets          purge: HOST answered 2001, N octets
 */
#include <freeDiameter/extension.h>
#include <signal.h>

static const size_t sizes[] = { 100, 5000, 60000 };
static struct dict_object *request_model, *class_model, *result_model, *host_model;
static char *hosts;

static int model(const char *name, struct dict_object **found) {
    return fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_NAME, name, found, ENOENT);
}

static union avp_value *value_of(struct msg *message, struct dict_object *what) {
    struct avp *avp = NULL;
    struct avp_hdr *header = NULL;
    if (fd_msg_search_avp(message, what, &avp) || !avp || fd_msg_avp_hdr(avp, &header)) return NULL;
    return header->avp_value;
}

static int add(struct msg *message, struct dict_object *what, union avp_value *value) {
    struct avp *avp = NULL;
    int error = fd_msg_avp_new(what, 0, &avp);
    if (!error) error = fd_msg_avp_setvalue(avp, value);
    if (!error) error = fd_msg_avp_add(message, MSG_BRW_LAST_CHILD, avp);
    return error;
}

static int add_text(struct msg *message, const char *name, const char *text) {
    struct dict_object *what;
    union avp_value value = { .os = { (uint8_t *)text, strlen(text) } };
    int error = model(name, &what);
    return error ? error : add(message, what, &value);
}

static int add_number(struct msg *message, const char *name, uint32_t number) {
    struct dict_object *what;
    union avp_value value = { .u32 = number };
    int error = model(name, &what);
    return error ? error : add(message, what, &value);
}

/* The octets that travel: no two neighbouring pages are alike, so a piece that is lost or out of place shows. */
static uint8_t octet_at(size_t at) { return (uint8_t)(at * 7 + (at >> 8) * 13 + (at >> 16)); }

static int is_whole(const uint8_t *data, size_t length) {
    for (size_t at = 0; at < length; at++)
        if (data[at] != octet_at(at)) return 0;
    return 1;
}

static int on_request(struct msg **message, struct avp *unused, struct session *session, void *data,
                      enum disp_action *action) {
    union avp_value *class = value_of(*message, class_model), *host = value_of(*message, host_model), copy;
    int error;
    (void)unused, (void)session, (void)data, (void)action;
    if (!class || !host) return EINVAL;
    fprintf(stderr, "purge: asked by %.*s, %zu octets%s\n", (int)host->os.len, (char *)host->os.data,
            class->os.len, is_whole(class->os.data, class->os.len) ? "" : ", not those that were sent");
    /* The request goes with its values when the answer has been made. */
    copy.os.len = class->os.len;
    copy.os.data = malloc(copy.os.len + 1);
    if (!copy.os.data) return ENOMEM;
    memcpy(copy.os.data, class->os.data, copy.os.len);
    error = fd_msg_new_answer_from_req(fd_g_config->cnf_dict, message, 0);
    if (!error) error = fd_msg_rescode_set(*message, "DIAMETER_SUCCESS", NULL, NULL, 1);
    if (!error) error = add_number(*message, "Auth-Session-State", 1);
    if (!error) error = add(*message, class_model, &copy);
    if (!error) error = fd_msg_send(message, NULL, NULL);
    free(copy.os.data);
    return error;
}

static void on_answer(void *data, struct msg **message) {
    size_t size = (size_t)data;
    union avp_value *class = value_of(*message, class_model), *host = value_of(*message, host_model);
    union avp_value *result = value_of(*message, result_model);
    int whole = class && class->os.len == size && is_whole(class->os.data, class->os.len);
    fprintf(stderr, "purge: %.*s answered %u, %zu octets%s\n", host ? (int)host->os.len : 0,
            host ? (char *)host->os.data : "", result ? result->u32 : 0, class ? class->os.len : 0,
            whole ? "" : ", not those that were sent");
    fd_msg_free(*message);
    *message = NULL;
}

static int ask(const char *host, size_t size) {
    struct msg *message = NULL;
    union avp_value class = { .os = { malloc(size), size } };
    int error = class.os.data ? fd_msg_new(request_model, MSGFL_ALLOC_ETEID, &message) : ENOMEM;
    for (size_t at = 0; !error && at < size; at++) class.os.data[at] = octet_at(at);
    if (!error) error = fd_msg_new_session(message, (uint8_t *)"purge", 5);
    if (!error) error = add_number(message, "Auth-Session-State", 1);
    if (!error) error = fd_msg_add_origin(message, 0);
    if (!error) error = add_text(message, "Destination-Host", host);
    if (!error) error = add_text(message, "Destination-Realm", fd_g_config->cnf_diamrlm);
    if (!error) error = add_text(message, "User-Name", "001010000000001");
    if (!error) error = add(message, class_model, &class);
    if (!error) error = fd_msg_send(&message, on_answer, (void *)size);
    if (error) fprintf(stderr, "purge: %s was not asked: %s\n", host, strerror(error));
    free(class.os.data);
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
        struct dict_rule_data rule = { NULL, at ? RULE_REQUIRED : RULE_FIXED_HEAD, at ? 0 : 1, 1, 1 };
        error = model(names[at], &rule.rule_avp);
        if (!error) error = fd_dict_new(fd_g_config->cnf_dict, DICT_RULE, &rule, request_model, NULL);
    }
    return error;
}

static int entry(char *words) {
    struct dict_vendor_data vendor = { 10415, "3GPP" };
    struct dict_application_data application = { 16777251, "S6a" };
    const uint8_t fixed = CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE | CMD_FLAG_ERROR;
    struct dict_cmd_data request = { 321, "Purge-UE-Request", fixed, CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE };
    struct dict_cmd_data answer = { 321, "Purge-UE-Answer", CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE, CMD_FLAG_PROXIABLE };
    struct dictionary *dictionary = fd_g_config->cnf_dict;
    struct dict_object *vendor_object, *application_object;
    struct disp_when filter = { 0 };
    int error;
    hosts = strdup(words ? words : "");
    error = model("Class", &class_model);
    if (!error) error = model("Result-Code", &result_model);
    if (!error) error = model("Origin-Host", &host_model);
    if (!error) {
        error = fd_dict_search(dictionary, DICT_VENDOR, VENDOR_BY_ID, &vendor.vendor_id, &vendor_object, ENOENT);
        if (error == ENOENT) error = fd_dict_new(dictionary, DICT_VENDOR, &vendor, NULL, &vendor_object);
    }
    if (!error) error = fd_dict_new(dictionary, DICT_APPLICATION, &application, vendor_object, &application_object);
    if (!error) error = fd_dict_new(dictionary, DICT_COMMAND, &request, application_object, &request_model);
    if (!error) error = add_rules();
    if (!error) error = fd_dict_new(dictionary, DICT_COMMAND, &answer, application_object, NULL);
    filter.app = application_object;
    filter.command = request_model;
    if (!error) error = fd_disp_register(on_request, DISP_HOW_CC, &filter, NULL, NULL);
    if (!error) error = fd_disp_app_support(application_object, vendor_object, 1, 0);
    if (!error) error = fd_event_trig_regcb(SIGUSR1, "purge", on_signal);
    fprintf(stderr, "purge: %s\n", error ? strerror(error) : "ready");
    return error;
}

EXTENSION_ENTRY("purge", entry)
