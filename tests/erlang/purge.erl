%% A peer made of Erlang/OTP's diameter: it asks for purges (S6a, TS 29.272 section 5.2.1.3) and answers them.
%%
%%   erl -noshell -run purge main -extra IDENTITY tcp|sctp PORT PEER_PORT WATCHDOG_SECONDS HOST...
%%
%% It listens at 127.0.0.1:PORT and connects to 127.0.0.1:PEER_PORT. A line "ask" on standard input sends each HOST one
%% request for each of the sizes below: a request and its answer carry the AVP Class with that many octets. "stop" ends
%% the service in order. What happens is told on standard output, a line each.
-module(purge).

-export([main/0]).
-export([peer_up/3, peer_down/3, pick_peer/4, prepare_request/3, prepare_retransmit/3, handle_answer/4, handle_error/4,
         handle_request/3]).

-include_lib("diameter/include/diameter.hrl").

-define(SIZES, [100, 5000, 60000]).
-define(REALM, <<"example.net">>).
-define(NO_STATE_MAINTAINED, 1).

main() ->
    [Identity, Transport, Port, PeerPort, Watchdog | Hosts] = init:get_plain_arguments(),
    ok = diameter:start(),
    ok = diameter:start_service(?MODULE, [
        {'Origin-Host', Identity},
        {'Origin-Realm', ?REALM},
        {'Vendor-Id', 0},
        {'Product-Name', "OTP diameter"},
        {'Supported-Vendor-Id', [10415]},
        {'Vendor-Specific-Application-Id', [[{'Vendor-Id', 10415}, {'Auth-Application-Id', [16777251]}]]},
        {decode_format, map},
        {string_decode, false},
        %% Without this the base protocol is that of RFC 3588.
        {application, [{alias, common}, {dictionary, diameter_gen_base_rfc6733}, {module, ?MODULE}]},
        {application, [{alias, s6a}, {dictionary, s6a}, {module, ?MODULE}, {answer_errors, callback}]}
    ]),
    Module = list_to_existing_atom("diameter_" ++ Transport),
    Timers = [{watchdog_timer, 1000 * list_to_integer(Watchdog)}, {connect_timer, 1000}],
    Here = [{ip, {127, 0, 0, 1}}],
    %% A server that starts again must not wait for the last of its old connections.
    Reuse = [{reuseaddr, true} || Module == diameter_tcp],
    Remote = [{raddr, {127, 0, 0, 1}}, {rport, list_to_integer(PeerPort)}],
    Listen = [{transport_module, Module}, {transport_config, [{port, list_to_integer(Port)} | Here ++ Reuse]} | Timers],
    Connect = [{transport_module, Module}, {transport_config, Remote ++ Here} | Timers],
    {ok, _} = diameter:add_transport(?MODULE, {listen, Listen}),
    {ok, _} = diameter:add_transport(?MODULE, {connect, Connect}),
    say("ready", []),
    obey(Identity, [list_to_binary(Host) || Host <- Hosts]).

obey(Identity, Hosts) ->
    case io:get_line("") of
        "ask\n" ->
            [spawn(fun() -> ask(Identity, Host, Size) end) || Host <- Hosts, Size <- ?SIZES],
            obey(Identity, Hosts);
        _ ->
            ok = diameter:stop_service(?MODULE),
            ok = diameter:stop(),
            say("stopped", []),
            halt(0)
    end.

ask(Identity, Host, Size) ->
    Request = ['PUR' | #{
        'Session-Id' => diameter:session_id(Identity),
        'Auth-Session-State' => ?NO_STATE_MAINTAINED,
        'Origin-Host' => Identity,
        'Origin-Realm' => ?REALM,
        'Destination-Host' => Host,
        'Destination-Realm' => ?REALM,
        'User-Name' => <<"001010000000001">>,
        'Class' => octets(Size)
    }],
    case diameter:call(?MODULE, s6a, Request, [{filter, host}, {timeout, 60000}]) of
        ['PUA' | #{'Result-Code' := Result, 'Class' := Class}] ->
            say("~ts answered ~p, ~ts", [Host, single(Result), judge(single(Class))]);
        Other ->
            say("~ts did not answer: ~0P", [Host, Other, 20])
    end.

%% The octets that travel: no two neighbouring pages are alike, so a piece that is lost or out of place shows.
octets(Size) ->
    << <<(At * 7 + (At bsr 8) * 13 + (At bsr 16))>> || At <- lists:seq(0, Size - 1) >>.

judge(Class) ->
    Size = byte_size(Class),
    Good = octets(Size) == Class,
    [integer_to_list(Size), " octets" | [", not those that were sent" || not Good]].

%% What may be absent comes as a list or as it is.
single([One]) -> One;
single(One) -> One.

say(Format, Values) ->
    io:format("purge: " ++ Format ++ "~n", Values).

%% --- what diameter calls ---

peer_up(_Service, {_, #diameter_caps{origin_host = {_, Host}}}, State) ->
    say("~ts is up", [Host]),
    State.

peer_down(_Service, {_, #diameter_caps{origin_host = {_, Host}}}, State) ->
    say("~ts is down", [Host]),
    State.

pick_peer([Peer | _], _, _Service, _State) ->
    {ok, Peer};
pick_peer([], _, _Service, _State) ->
    false.

prepare_request(#diameter_packet{msg = Request}, _Service, _Peer) ->
    {send, Request}.

prepare_retransmit(Packet, Service, Peer) ->
    prepare_request(Packet, Service, Peer).

handle_answer(#diameter_packet{msg = Answer, errors = []}, _Request, _Service, _Peer) ->
    Answer;
handle_answer(#diameter_packet{errors = Errors}, _Request, _Service, _Peer) ->
    {error, Errors}.

handle_error(Reason, _Request, _Service, _Peer) ->
    {error, Reason}.

handle_request(#diameter_packet{msg = ['PUR' | Request], errors = []}, _Service, {_, Caps}) ->
    #diameter_caps{origin_host = {Identity, _}, origin_realm = {Realm, _}} = Caps,
    #{'Session-Id' := Session, 'Origin-Host' := Host, 'Class' := Class} = Request,
    say("asked by ~ts, ~ts", [Host, judge(Class)]),
    {reply, ['PUA' | #{
        'Session-Id' => Session,
        'Result-Code' => 2001,
        'Auth-Session-State' => ?NO_STATE_MAINTAINED,
        'Origin-Host' => Identity,
        'Origin-Realm' => Realm,
        'Proxy-Info' => maps:get('Proxy-Info', Request, []),
        'Class' => Class
    }]};
handle_request(#diameter_packet{msg = ['PUR' | #{'Session-Id' := Session}], errors = Errors}, _Service, {_, Caps}) ->
    #diameter_caps{origin_host = {Identity, _}, origin_realm = {Realm, _}} = Caps,
    say("a request is not as it should be: ~0P", [Errors, 20]),
    %% Result-Code and Failed-AVP follow from the errors.
    {reply, ['PUA' | #{
        'Session-Id' => Session,
        'Auth-Session-State' => ?NO_STATE_MAINTAINED,
        'Origin-Host' => Identity,
        'Origin-Realm' => Realm
    }]};
handle_request(#diameter_packet{errors = Errors}, _Service, _Peer) ->
    say("a request is not as it should be: ~0P", [Errors, 20]),
    {answer_message, code(Errors)}.

code([{Code, _} | _]) -> Code;
code([Code | _]) when is_integer(Code) -> Code;
code(_) -> 5012.
