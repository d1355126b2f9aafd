//! Questions and answers as messages.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use simple_dns::rdata::{A, AAAA, PTR, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

use super::table::Table;

/// For so many seconds an answer holds: not long, since a container that is started again may get
/// another address.
const TTL: u32 = 10;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    name: String,
    kind: QTYPE,
}

impl Question {
    /// Reads a message with one question in it.
    pub(super) fn parse(message: &[u8]) -> Option<Self> {
        let packet = Packet::parse(message).ok()?;
        let [question] = packet.questions.as_slice() else { return None };
        let asked = !packet.has_flags(PacketFlag::RESPONSE);
        asked.then(|| Self { name: question.qname.to_string(), kind: question.qtype })
    }
}

/// The answer that the table gives; `None` for names that are not its own.
pub(super) fn of_table(message: &[u8], question: &Question, table: &Table) -> Option<Vec<u8>> {
    if question.kind == QTYPE::TYPE(TYPE::PTR) {
        let name = table.name_of(reversed(&question.name)?)?;
        let pointer = RData::PTR(PTR(Name::new(&name).ok()?.into_owned()));
        return reply(message, RCODE::NoError, vec![pointer]);
    }
    let addresses = table.addresses(&question.name)?;
    let wanted = |address: &&IpAddr| match question.kind {
        QTYPE::ANY => true,
        QTYPE::TYPE(TYPE::A) => address.is_ipv4(),
        QTYPE::TYPE(TYPE::AAAA) => address.is_ipv6(),
        _ => false,
    };
    let data = addresses.iter().filter(wanted).map(|address| match address {
        IpAddr::V4(address) => RData::A(A { address: (*address).into() }),
        IpAddr::V6(address) => RData::AAAA(AAAA { address: (*address).into() }),
    });
    // A name without an address of this kind is known all the same.
    reply(message, RCODE::NoError, data.collect())
}

/// There is no such name.
pub(super) fn unknown(message: &[u8]) -> Vec<u8> {
    reply(message, RCODE::NameError, Vec::new()).unwrap_or_default()
}

/// Nobody could be asked.
pub(super) fn failure(message: &[u8]) -> Vec<u8> {
    reply(message, RCODE::ServerFailure, Vec::new()).unwrap_or_default()
}

fn reply(message: &[u8], code: RCODE, data: Vec<RData<'static>>) -> Option<Vec<u8>> {
    let question = Packet::parse(message).ok()?;
    let recursion = question.has_flags(PacketFlag::RECURSION_DESIRED);
    let name = question.questions.first()?.qname.clone();
    let mut reply = Packet::new_reply(question.id());
    reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
    if recursion {
        reply.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    *reply.rcode_mut() = code;
    reply.questions.clone_from(&question.questions);
    reply.answers = data
        .into_iter()
        .map(|data| ResourceRecord::new(name.clone(), CLASS::IN, TTL, data))
        .collect();
    reply.build_bytes_vec_compressed().ok()
}

/// The address in `4.3.2.1.in-addr.arpa` or its counterpart of 32 digits.
fn reversed(name: &str) -> Option<IpAddr> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if let Some(digits) = name.strip_suffix(".in-addr.arpa") {
        let digits: Vec<&str> = digits.rsplit('.').collect();
        return digits.join(".").parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    }
    let digits: Vec<&str> = name.strip_suffix(".ip6.arpa")?.rsplit('.').collect();
    let one = digits.iter().all(|digit| digit.len() == 1);
    let number = u128::from_str_radix(&digits.concat(), 16).ok();
    number.filter(|_| one && digits.len() == 32).map(|bits| IpAddr::V6(Ipv6Addr::from(bits)))
}

#[cfg(test)]
mod tests {
    use simple_dns::{QCLASS, Question as Asked};

    use super::super::table::Member;
    use super::*;

    fn table() -> Table {
        let member = Member {
            network: "shop".to_owned(),
            names: vec!["db".to_owned()],
            addresses: vec!["10.1.0.2".parse().unwrap()],
        };
        Table { members: vec![member], ..Table::default() }
    }

    fn ask(name: &str, kind: TYPE) -> Option<Vec<u8>> {
        let mut packet = Packet::new_query(7);
        let name = Name::new(name).unwrap();
        packet.questions.push(Asked::new(name, kind.into(), QCLASS::CLASS(CLASS::IN), false));
        let message = packet.build_bytes_vec().unwrap();
        of_table(&message, &Question::parse(&message).unwrap(), &table())
    }

    #[test]
    fn a_known_name_has_its_address_and_no_other_kind_of_it() {
        let answer = ask("db", TYPE::A).unwrap();
        let answer = Packet::parse(&answer).unwrap();
        assert_eq!((answer.id(), answer.answers.len()), (7, 1));
        let none = ask("DB", TYPE::AAAA).unwrap();
        let none = Packet::parse(&none).unwrap();
        assert_eq!((none.rcode(), none.answers.len()), (RCODE::NoError, 0));
        assert!(ask("other", TYPE::A).is_none());
    }

    #[test]
    fn an_address_leads_back_to_its_name() {
        assert!(ask("2.0.1.10.in-addr.arpa", TYPE::PTR).is_some());
        assert!(ask("9.0.1.10.in-addr.arpa", TYPE::PTR).is_none());
        assert_eq!(reversed("x.in-addr.arpa"), None);
        let one = format!("1.{}ip6.arpa", "0.".repeat(31));
        assert_eq!(reversed(&one), Some("::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_question_gets_no_answer() {
        for message in [&[][..], &[0; 11], &[0; 12], &[0xff; 40]] {
            assert_eq!(Question::parse(message), None);
        }
    }
}
