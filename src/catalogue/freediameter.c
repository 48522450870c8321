/* A type with named values is one type for each AVP, as libfdcore's own dictionary has it. */
static int type_of(unsigned at, struct dict_object **type) {
    struct dictionary *dictionary = fd_g_config->cnf_dict;
    unsigned row;
    int error;
    *type = NULL;
    if (avps[at].derived)
        return fd_dict_search(dictionary, DICT_TYPE, TYPE_BY_NAME, avps[at].derived, type, ENOENT);
    for (row = 0; values[row].avp; row++) {
        struct dict_enumval_data value;
        if (values[row].vendor != avps[at].vendor || strcmp(values[row].avp, avps[at].name)) continue;
        if (!*type) {
            struct dict_type_data data;
            char name[300];
            snprintf(name, sizeof name, "Enumerated(%s/%s)", avps[at].vendor ? "vendor" : "IETF", avps[at].name);
            memset(&data, 0, sizeof data);
            data.type_base = avps[at].base;
            data.type_name = name;
            error = fd_dict_new(dictionary, DICT_TYPE, &data, NULL, type);
            if (error) return error;
        }
        memset(&value, 0, sizeof value);
        value.enum_name = (char *)values[row].name;
        if (avps[at].base == AVP_TYPE_UNSIGNED32) value.enum_value.u32 = (uint32_t)values[row].number;
        else value.enum_value.i32 = (int32_t)values[row].number;
        error = fd_dict_new(dictionary, DICT_ENUMVAL, &value, *type, NULL);
        if (error) return error;
    }
    return 0;
}

static int failed(const char *what, const char *name, int error) {
    fprintf(stderr, "proselink dictionary: %s %s: %s\n", what, name, strerror(error));
    return error;
}

static int entry(char *unused) {
    struct dictionary *dictionary = fd_g_config->cnf_dict;
    unsigned at, avps_done = 0, commands_done = 0, rules_done = 0;
    int error;
    (void)unused;
    for (at = 0; vendors[at].name; at++) {
        struct dict_vendor_data data = { vendors[at].id, (char *)vendors[at].name };
        struct dict_object *known;
        /* Another dictionary may have named it already, and otherwise. */
        if (fd_dict_search(dictionary, DICT_VENDOR, VENDOR_BY_ID, &vendors[at].id, &known, ENOENT) == 0) continue;
        error = fd_dict_new(dictionary, DICT_VENDOR, &data, NULL, NULL);
        if (error) return failed("vendor", vendors[at].name, error);
    }
    for (at = 0; applications[at].name; at++) {
        struct dict_application_data data = { applications[at].id, (char *)applications[at].name };
        struct dict_object *vendor = NULL, *known;
        if (fd_dict_search(dictionary, DICT_APPLICATION, APPLICATION_BY_ID, &applications[at].id, &known, ENOENT) == 0)
            continue;
        if (applications[at].vendor)
            fd_dict_search(dictionary, DICT_VENDOR, VENDOR_BY_ID, &applications[at].vendor, &vendor, ENOENT);
        error = fd_dict_new(dictionary, DICT_APPLICATION, &data, vendor, NULL);
        if (error) return failed("application", applications[at].name, error);
    }
    for (at = 0; avps[at].name; at++) {
        struct dict_avp_data data = { avps[at].code, avps[at].vendor, (char *)avps[at].name,
                                      avps[at].mask, avps[at].flags, avps[at].base };
        struct dict_avp_request which = { avps[at].vendor, avps[at].code, NULL };
        struct dict_object *type, *known;
        /* What another dictionary has stays as it is there. */
        if (fd_dict_search(dictionary, DICT_AVP, AVP_BY_CODE_AND_VENDOR, &which, &known, ENOENT) == 0) continue;
        error = type_of(at, &type);
        if (error) return failed("type of AVP", avps[at].name, error);
        error = fd_dict_new(dictionary, DICT_AVP, &data, type, NULL);
        if (error) return failed("AVP", avps[at].name, error);
        avps_done++;
    }
    for (at = 0; commands[at].name; at++) {
        struct dict_cmd_data data = { commands[at].code, (char *)commands[at].name, commands[at].mask,
                                      commands[at].flags };
        struct dict_object *known;
        int by = data.cmd_flag_val & CMD_FLAG_REQUEST ? CMD_BY_CODE_R : CMD_BY_CODE_A;
        if (fd_dict_search(dictionary, DICT_COMMAND, by, &commands[at].code, &known, ENOENT) == 0) continue;
        error = fd_dict_new(dictionary, DICT_COMMAND, &data, NULL, NULL);
        if (error) return failed("command", commands[at].name, error);
        commands_done++;
    }
    for (at = 0; rules[at].parent; at++) {
        struct dict_avp_request member = { rules[at].of, 0, (char *)rules[at].avp };
        struct dict_rule_data data;
        struct dict_object *parent = NULL;
        memset(&data, 0, sizeof data);
        if (rules[at].vendor < 0) {
            error = fd_dict_search(dictionary, DICT_COMMAND, CMD_BY_NAME, rules[at].parent, &parent, ENOENT);
        } else {
            struct dict_avp_request group = { (vendor_id_t)rules[at].vendor, 0, (char *)rules[at].parent };
            error = fd_dict_search(dictionary, DICT_AVP, AVP_BY_NAME_AND_VENDOR, &group, &parent, ENOENT);
        }
        if (error) continue; /* another dictionary has it under another name, and its own rules */
        error = fd_dict_search(dictionary, DICT_AVP, AVP_BY_NAME_AND_VENDOR, &member, &data.rule_avp, ENOENT);
        if (error) return failed("member", rules[at].avp, error);
        data.rule_position = rules[at].first ? RULE_FIXED_HEAD : rules[at].least ? RULE_REQUIRED : RULE_OPTIONAL;
        data.rule_order = rules[at].first ? 1 : 0;
        data.rule_min = rules[at].least;
        data.rule_max = rules[at].most;
        error = fd_dict_new(dictionary, DICT_RULE, &data, parent, NULL);
        if (error && error != EEXIST) return failed("rule about", rules[at].avp, error);
        rules_done++;
    }
    fprintf(stderr, "proselink dictionary: %u AVPs, %u commands, %u rules\n", avps_done, commands_done, rules_done);
    return 0;
}

EXTENSION_ENTRY("proselink_dictionary", entry);
