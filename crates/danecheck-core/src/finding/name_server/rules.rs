//! The rules about name servers.

use crate::finding::rule::{Rule, Severity};

pub(crate) static NAME_SERVER_ANSWER_BOGUS: Rule = Rule {
    id: "name-server-answer-bogus",
    severity: Severity::Warning,
    reference: "RFC 4035 section 5",
    meaning: "One name server's answer is bogus, while the answers of other servers of the zone \
              are valid. Its copy of the zone was changed or damaged, or it sends wrong denials. \
              Validating resolvers reject the answer, so mail waits whenever they ask this \
              server.",
    sender: "Tell the domain's administrator which server it is.",
    receiver: "Transfer the whole zone to this server again. If that does not help, update its \
               software, or remove it from the NS records.",
};

pub(crate) static NAME_SERVER_BEHIND: Rule = Rule {
    id: "name-server-behind",
    severity: Severity::Info,
    reference: "RFC 1034 section 4.3.5",
    meaning: "A name server has an older copy of the zone (SOA serial) than another one. That is \
              normal for minutes after each change. If it lasts longer, zone transfers fail, and \
              the records and signatures of this server become outdated.",
    sender: "",
    receiver: "Compare the serials again in an hour (`dig +norecurse SOA ZONE @SERVER`). If this \
               server is still behind, start the transfer by hand (`rndc retransfer`, `nsd-control \
               force_transfer`, `knotc zone-retransfer`). Its log says what refused the transfer: \
               address list, TSIG key or firewall.",
};

pub(crate) static NAME_SERVER_FAILS: Rule = Rule {
    id: "name-server-fails",
    severity: Severity::Warning,
    reference: "RFC 7672 section 2.1.2",
    meaning: "A name server answers with an error although \"there is no such record\" is the \
              correct answer. A resolver that asks it gets no answer, and mail that depends on the \
              answer waits. Often the server, or a firewall or load balancer in front of it, does \
              not know the type.",
    sender: "Tell the domain's administrator which server it is. Do not turn DANE off for all \
             domains.",
    receiver: "Ask the server yourself (`dig +norecurse TYPE NAME @SERVER`). Update its software, \
               or switch off DNS inspection in the firewall or load balancer in front of it. Until \
               then remove it from the NS records of the zone and of its parent.",
};

pub(crate) static NAME_SERVER_LACKS_SIGNATURES: Rule = Rule {
    id: "name-server-lacks-signatures",
    severity: Severity::Warning,
    reference: "RFC 4035 section 3.1",
    meaning: "A name server sends data of a signed zone without signatures (RRSIG), although the \
              query asks for them. Validating resolvers treat that as bogus, so mail waits \
              whenever they ask this server.",
    sender: "Tell the domain's administrator which server it is.",
    receiver: "Let this name server transfer the signed zone, with DNSSEC switched on. Or remove \
               it from the NS records.",
};

pub(crate) static NAME_SERVER_LACKS_ZONE: Rule = Rule {
    id: "name-server-lacks-zone",
    severity: Severity::Warning,
    reference: "RFC 9499 section 7",
    meaning: "The NS records name a server that has not loaded the zone: it answers with an error \
              even to a query for the zone's own SOA record (lame delegation). Its copy expired, or \
              a fault in the zone's file keeps it from loading. Resolvers ask other servers \
              instead, which takes time, or fail.",
    sender: "Tell the domain's administrator which server it is.",
    receiver: "Read this server's log for the zone, and correct what keeps it from loading the \
               zone or transferring it. Test it with `dig +norecurse SOA ZONE @SERVER`. Or remove \
               the server from the NS records of the zone and of its parent.",
};

pub(crate) static NAME_SERVER_NOT_AUTHORITATIVE: Rule = Rule {
    id: "name-server-not-authoritative",
    severity: Severity::Warning,
    reference: "RFC 9499 section 7",
    meaning: "The NS records name a server that does not serve the zone (lame delegation). \
              Resolvers lose time with it. If the other servers are down, the lookup fails.",
    sender: "",
    receiver: "Load the zone on this server, or remove it from the NS records of the zone and of \
               its parent.",
};

pub(crate) static NAME_SERVER_NOT_PUBLIC: Rule = Rule {
    id: "name-server-not-public",
    severity: Severity::Info,
    reference: "RFC 6890",
    meaning: "A name server of the zone has an address that is not public. danecheck did not ask \
              it, because the address leads into your own network.",
    sender: "Look again with --allow-private if you want danecheck to ask it.",
    receiver: "Remove the address from public DNS.",
};

pub(crate) static NAME_SERVER_SIGNATURE_EXPIRED: Rule = Rule {
    id: "name-server-signature-expired",
    severity: Severity::Warning,
    reference: "RFC 4035 section 5.3.1",
    meaning: "A name server sends an expired signature, while others have a newer one. Its copy of \
              the zone is old. Validating resolvers treat the answer as bogus, so mail waits \
              whenever they ask this server.",
    sender: "Tell the domain's administrator which server it is.",
    receiver: "Start the zone transfer by hand (`rndc retransfer`, `nsd-control force_transfer`, \
               `knotc zone-retransfer`). The server's log says what stopped the automatic \
               transfer: address list, TSIG key or firewall.",
};

pub(crate) static NAME_SERVER_SILENT: Rule = Rule {
    id: "name-server-silent",
    severity: Severity::Warning,
    reference: "RFC 7766 section 5",
    meaning: "A name server does not answer. If it ignores only one type, a firewall in front of \
              it drops what it does not know. If it ignores only TCP, answers that do not fit into \
              a datagram are lost. Lookups are slow, and fail if no other server helps.",
    sender: "Tell the domain's administrator which server it is.",
    receiver: "Open port 53 of this name server for UDP and TCP and for all types. Or remove it \
               from the NS records of the zone and of its parent.",
};

pub(crate) static NAME_SERVER_WITHOUT_ADDRESS: Rule = Rule {
    id: "name-server-without-address",
    severity: Severity::Warning,
    reference: "RFC 1912 section 2.8",
    meaning: "The NS records name a server that has no address.",
    sender: "",
    receiver: "Publish its address, or remove it from the NS records of the zone and of its \
               parent.",
};

pub(crate) static NAME_SERVERS_DISAGREE: Rule = Rule {
    id: "name-servers-disagree",
    severity: Severity::Warning,
    reference: "RFC 1034 section 4.2.1",
    meaning: "The name servers of the zone have different records for this name. What a sender \
              gets depends on which server its resolver happens to ask.",
    sender: "Tell the domain's administrator which servers differ.",
    receiver: "Compare the serials (`dig +norecurse SOA ZONE @SERVER`). If one is older, start the \
               transfer by hand. If they are equal, the servers have different sources: add the \
               record in each source.",
};

pub(crate) static NAME_SERVERS_IN_ORDER: Rule = Rule {
    id: "name-servers-in-order",
    severity: Severity::Info,
    reference: "RFC 1034 section 4.3.1",
    meaning: "The lookup fails through the resolver, but every name server of the zone answers it \
              directly from here. The fault is in the resolver, on its way to the name servers, or \
              in its cache.",
    sender: "Flush the name from the resolver's cache and try again. Read the resolver's log. Ask \
             a second resolver.",
    receiver: "",
};

pub(crate) static NAME_SERVERS_OUT_OF_REACH: Rule = Rule {
    id: "name-servers-out-of-reach",
    severity: Severity::Info,
    reference: "RFC 1034 section 4.3.1",
    meaning: "The resolver has an answer, but no name server of the zone answers from here. Many \
              networks let only their own resolver ask name servers, or answer in their place. So \
              nothing is known about the name servers.",
    sender: "Check from a host that may send to port 53 anywhere.",
    receiver: "",
};

pub(crate) static ZONE_NOT_LOADED: Rule = Rule {
    id: "zone-not-loaded",
    severity: Severity::Error,
    reference: "RFC 9499 section 7",
    meaning: "No name server of the zone has loaded it: each answers with an error even to a query \
              for the zone's own SOA record. So nothing in the zone can be looked up, and mail \
              that depends on it waits.",
    sender: "Tell the domain's administrator. Check from another network if the name servers of \
             other zones refuse to answer from here too.",
    receiver: "Read the log of the name servers for the zone, and correct what keeps them from \
               loading it (`named-checkzone`, `nsd-checkzone`, `kzonecheck`). Test it with `dig \
               +norecurse SOA ZONE @SERVER`. Or correct the NS records at the parent.",
};
