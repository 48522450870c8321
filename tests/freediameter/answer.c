/*
 * An extension of freeDiameter 1.2 that answers every request of some applications with DIAMETER_SUCCESS: a real server for a
 * replay to talk to. It knows nothing of the applications; AVPs come from a dictionary that is loaded before it, such as
 * `proselink dict export --freediameter-c --all` makes. Build it with Debian's libfreediameter-dev.
 *
 *   LoadExtension = "/path/answer.fdx" : "16777251:318:316,16777238:272";
 *
 * Behind each application stand its commands; those that the dictionary does not have are added, with no rule about their AVPs.
 *
 * The answer has what freeDiameter puts into it (Session-Id, Proxy-Info, Result-Code, Origin-Host, Origin-Realm) and repeats
 * of the request what `repeated` lists. A line on standard error tells of each request:
 *
 *   answer: command 316 of application 16777251
 */
#include <freeDiameter/extension.h>

static const char *const repeated[] = { "Auth-Application-Id", "Acct-Application-Id", "Auth-Session-State",
                                        "CC-Request-Type", "CC-Request-Number", NULL };

static int repeat(struct msg *request, struct msg *answer, const char *name) {
    struct dict_object *model = NULL;
    struct avp *avp = NULL, *copy = NULL;
    struct avp_hdr *header = NULL;
    int error = fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_NAME_ALL_VENDORS, name, &model, ENOENT);
    if (error == ENOENT) return 0;
    if (!error) error = fd_msg_search_avp(request, model, &avp);
    if (error || !avp) return error == ENOENT ? 0 : error;
    error = fd_msg_avp_hdr(avp, &header);
    if (error || !header->avp_value) return error;
    error = fd_msg_avp_new(model, 0, &copy);
    if (!error) error = fd_msg_avp_setvalue(copy, header->avp_value);
    if (!error) error = fd_msg_avp_add(answer, MSG_BRW_LAST_CHILD, copy);
    return error;
}

static int on_request(struct msg **message, struct avp *avp, struct session *session, void *data,
                      enum disp_action *action) {
    struct msg_hdr *header = NULL;
    struct msg *request = *message;
    int error = fd_msg_hdr(request, &header);
    (void)avp, (void)session, (void)data;
    if (error) return error;
    if (!(header->msg_flags & CMD_FLAG_REQUEST)) return 0;
    fprintf(stderr, "answer: command %u of application %u\n", header->msg_code, header->msg_appl);
    error = fd_msg_new_answer_from_req(fd_g_config->cnf_dict, message, 0);
    if (!error) error = fd_msg_rescode_set(*message, "DIAMETER_SUCCESS", NULL, NULL, 1);
    for (int at = 0; !error && repeated[at]; at++) error = repeat(request, *message, repeated[at]);
    if (!error) *action = DISP_ACT_SEND;
    return error;
}

/* Request and answer of a command, unless the dictionary has them. */
static int know(command_code_t code) {
    for (int request = 0; request < 2; request++) {
        struct dict_cmd_data data = { code, NULL, CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE, CMD_FLAG_PROXIABLE };
        struct dict_object *known = NULL;
        char name[32];
        int error = fd_dict_search(fd_g_config->cnf_dict, DICT_COMMAND, request ? CMD_BY_CODE_R : CMD_BY_CODE_A, &code,
                                   &known, ENOENT);
        if (!error) continue;
        if (error != ENOENT) return error;
        snprintf(name, sizeof name, "Command-%u-%s", code, request ? "Request" : "Answer");
        data.cmd_name = name;
        if (request) data.cmd_flag_val |= CMD_FLAG_REQUEST;
        error = fd_dict_new(fd_g_config->cnf_dict, DICT_COMMAND, &data, NULL, NULL);
        if (error) return error;
    }
    return 0;
}

static int serve(application_id_t id) {
    struct dict_object *application = NULL, *vendor = NULL;
    struct disp_when when;
    int error = fd_dict_search(fd_g_config->cnf_dict, DICT_APPLICATION, APPLICATION_BY_ID, &id, &application, ENOENT);
    if (error) {
        fprintf(stderr, "answer: the dictionary has no application %u\n", id);
        return error;
    }
    error = fd_dict_search(fd_g_config->cnf_dict, DICT_VENDOR, VENDOR_OF_APPLICATION, application, &vendor, ENOENT);
    if (error && error != ENOENT) return error;
    memset(&when, 0, sizeof when);
    when.app = application;
    error = fd_disp_register(on_request, DISP_HOW_APPID, &when, NULL, NULL);
    return error ? error : fd_disp_app_support(application, vendor, 1, 1);
}

static int entry(char *configuration) {
    char *copy = strdup(configuration ? configuration : ""), *rest = copy, *one;
    int error = copy ? 0 : ENOMEM;
    while (!error && rest && (one = strsep(&rest, ","))) {
        char *number = strsep(&one, ":");
        error = serve((application_id_t)strtoul(number, NULL, 10));
        while (!error && one && (number = strsep(&one, ":"))) error = know((command_code_t)strtoul(number, NULL, 10));
    }
    free(copy);
    if (!error) fprintf(stderr, "answer: ready\n");
    return error;
}

EXTENSION_ENTRY("answer", entry, "proselink_dictionary");
