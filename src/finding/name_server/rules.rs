//! The rules about name servers.

use super::super::{Rule, Severity};

pub(in super::super) static NAME_SERVER_ANSWER_BOGUS: Rule = Rule {
    id: "name-server-answer-bogus",
    severity: Severity::Warning,
    reference: "RFC 4035 section 5",
    meaning: "What a name server hands out does not hold, while what others of the zone say \
              does: its copy of the zone was changed or damaged, or it denies wrongly. Whoever \
              validates takes the answer for forged, so that mail waits whenever this server is \
              the one that is asked.",
    sender: "tell the domain which server it is.",
    receiver: "transfer the whole zone to this server anew; if that does not help, update its \
               software, or take it out of the NS records.",
};

pub(in super::super) static NAME_SERVER_BEHIND: Rule = Rule {
    id: "name-server-behind",
    severity: Severity::Info,
    reference: "RFC 1034 section 4.3.5",
    meaning: "A name server has an older copy of the zone (SOA serial) than another one. That is \
              so for minutes after each change; for longer where zone transfers fail, and then \
              its records and its signatures grow old.",
    sender: "",
    receiver: "compare the serials again in an hour (`dig +norecurse SOA ZONE @SERVER`); if this \
               one is still behind, start the transfer by hand (`rndc retransfer`, `nsd-control \
               force_transfer`, `knotc zone-retransfer`) and read in its log what refused it: \
               address list, TSIG key or firewall.",
};

pub(in super::super) static NAME_SERVER_FAILS: Rule = Rule {
    id: "name-server-fails",
    severity: Severity::Warning,
    reference: "RFC 7672 section 2.1.2",
    meaning: "A name server answers with an error, where \"there is no such record\" would do. A \
              resolver that asks it gets no answer, and mail that depends on the answer waits. \
              Often the server, or a firewall or load balancer before it, does not know the type.",
    sender: "tell the domain which server it is; do not turn DANE off for all.",
    receiver: "ask the server yourself (`dig +norecurse TLSA NAME @SERVER`); update its \
               software, or switch off the inspection of DNS in the firewall or load balancer \
               before it; until then take it out of the NS records of the zone and of its \
               parent.",
};

pub(in super::super) static NAME_SERVER_LACKS_SIGNATURES: Rule = Rule {
    id: "name-server-lacks-signatures",
    severity: Severity::Warning,
    reference: "RFC 4035 section 3.1",
    meaning: "A name server hands out data of a signed zone without signatures (RRSIG), although \
              it is asked for them. Whoever validates takes that for forged, so that mail waits \
              whenever this server is the one that is asked.",
    sender: "tell the domain which server it is.",
    receiver: "have this name server transfer the signed zone, with DNSSEC switched on, or take \
               it out of the NS records.",
};

pub(in super::super) static NAME_SERVER_NOT_AUTHORITATIVE: Rule = Rule {
    id: "name-server-not-authoritative",
    severity: Severity::Warning,
    reference: "RFC 9499 section 7",
    meaning: "The NS records name a server that does not serve the zone (lame delegation). \
              Resolvers lose time with it, and the lookup fails where the others are down.",
    sender: "",
    receiver: "load the zone on this server, or take it out of the NS records of the zone and of \
               its parent.",
};

pub(in super::super) static NAME_SERVER_NOT_PUBLIC: Rule = Rule {
    id: "name-server-not-public",
    severity: Severity::Info,
    reference: "RFC 6890",
    meaning: "A name server of the zone has an address that is not public. It was not asked, for \
              the address leads into the network of whoever asks.",
    sender: "where that network is yours, look again with --allow-private.",
    receiver: "take the address out of public DNS.",
};

pub(in super::super) static NAME_SERVER_SIGNATURE_EXPIRED: Rule = Rule {
    id: "name-server-signature-expired",
    severity: Severity::Warning,
    reference: "RFC 4035 section 5.3.1",
    meaning: "A name server hands out a signature that has expired, while others have a newer \
              one: its copy of the zone is old. Whoever validates takes the answer for forged, \
              so that mail waits whenever this server is the one that is asked.",
    sender: "tell the domain which server it is.",
    receiver: "start the zone transfer by hand (`rndc retransfer`, `nsd-control force_transfer`, \
               `knotc zone-retransfer`) and read in the server's log what kept it from coming by \
               itself: address list, TSIG key or firewall.",
};

pub(in super::super) static NAME_SERVER_SILENT: Rule = Rule {
    id: "name-server-silent",
    severity: Severity::Warning,
    reference: "RFC 7766 section 5",
    meaning: "A name server does not answer. Where it is silent only to one type, a firewall \
              before it drops what it does not know; where only over TCP, answers that do not \
              fit into a datagram are lost. Lookups are slow, and fail where no other server \
              helps.",
    sender: "tell the domain which server it is.",
    receiver: "let port 53 of this name server be reached over UDP and TCP, for all types; or \
               take it out of the NS records of the zone and of its parent.",
};

pub(in super::super) static NAME_SERVER_WITHOUT_ADDRESS: Rule = Rule {
    id: "name-server-without-address",
    severity: Severity::Warning,
    reference: "RFC 1912 section 2.8",
    meaning: "The NS records name a server that has no address.",
    sender: "",
    receiver: "publish its address, or take it out of the NS records of the zone and of its \
               parent.",
};

pub(in super::super) static NAME_SERVERS_DISAGREE: Rule = Rule {
    id: "name-servers-disagree",
    severity: Severity::Warning,
    reference: "RFC 1034 section 4.2.1",
    meaning: "The name servers of the zone have different records for this name. What a sender \
              gets depends on which of them its resolver happens to ask.",
    sender: "tell the domain which servers differ.",
    receiver: "compare the serials (`dig +norecurse SOA ZONE @SERVER`): where one is older, \
               start the transfer by hand; where they are equal, the servers are fed from \
               different sources, and the record has to be added in each.",
};

pub(in super::super) static NAME_SERVERS_IN_ORDER: Rule = Rule {
    id: "name-servers-in-order",
    severity: Severity::Info,
    reference: "RFC 1034 section 4.3.1",
    meaning: "The lookup fails through the resolver, and every name server of the zone answers it \
              when asked directly from here: what fails is the resolver, its way to the name \
              servers, or what it has in its cache.",
    sender: "flush the name from the resolver's cache and try again; see its log; ask a second \
             resolver.",
    receiver: "",
};

pub(in super::super) static NAME_SERVERS_OUT_OF_REACH: Rule = Rule {
    id: "name-servers-out-of-reach",
    severity: Severity::Info,
    reference: "RFC 1034 section 4.3.1",
    meaning: "The resolver has an answer, and no name server of the zone gives one from here. \
              Many networks let only their own resolver ask name servers, or answer in their \
              place; nothing is known of the servers then.",
    sender: "look from a host that may send to port 53 anywhere.",
    receiver: "",
};
