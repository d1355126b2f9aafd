//! IPv4 subnets: which are in use on this host, and which is free.

use std::fmt;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// An IPv4 subnet; its address has no bits beyond the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subnet {
    address: u32,
    prefix: u8,
}

impl Subnet {
    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)
    }

    /// Whether two have an address in common.
    pub(super) fn overlaps(self, other: Self) -> bool {
        let mask = self.mask() & other.mask();
        self.address & mask == other.address & mask
    }

    /// The first address that an interface may have.
    pub(super) fn first(self) -> Ipv4Addr {
        Ipv4Addr::from(self.address + 1)
    }

    /// Whether an interface in the subnet may have this address.
    pub(super) fn holds(self, address: Ipv4Addr) -> bool {
        let address = u32::from(address);
        let last = self.address | !self.mask();
        address > self.address && address < last
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.address), self.prefix)
    }
}

impl FromStr for Subnet {
    type Err = ();

    /// A network must hold a gateway and a few containers: `/8` to `/29`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = text.split_once('/').ok_or(())?;
        let address: Ipv4Addr = address.parse().map_err(|_| ())?;
        let subnet = Self { address: address.into(), prefix: prefix.parse().map_err(|_| ())? };
        let sound = (8..=29).contains(&subnet.prefix) && subnet.address & !subnet.mask() == 0;
        if sound { Ok(subnet) } else { Err(()) }
    }
}

/// What this host routes somewhere, its own networks included. The default route is no subnet.
pub(super) fn routed() -> io::Result<Vec<Subnet>> {
    Ok(parse_routes(&fs::read_to_string("/proc/net/route")?))
}

/// `/proc/net/route`: numbers in hexadecimal, in network order as this machine reads them.
fn parse_routes(table: &str) -> Vec<Subnet> {
    let number = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::swap_bytes);
    let one = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let mask = number(fields.get(7)?)?;
        let prefix = u8::try_from(mask.leading_ones()).ok().filter(|prefix| *prefix > 0)?;
        Some(Subnet { address: number(fields.get(1)?)? & mask, prefix })
    };
    table.lines().skip(1).filter_map(one).collect()
}

/// The first `/16` of `10.91.0.0` to `10.255.0.0` that overlaps nothing of `taken`.
pub(super) fn free(taken: &[Subnet]) -> Option<Subnet> {
    (91..=255_u32)
        .map(|second| Subnet { address: 10 << 24 | second << 16, prefix: 16 })
        .find(|candidate| !taken.iter().any(|other| other.overlaps(*candidate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_with_host_bits_or_without_room_is_refused() {
        for bad in ["10.0.0.1/16", "10.0.0.0/30", "10.0.0.0/7", "10.0.0.0", "x/16", "::/64"] {
            assert!(bad.parse::<Subnet>().is_err(), "{bad} was taken");
        }
        assert_eq!("10.9.0.0/16".parse::<Subnet>().unwrap().to_string(), "10.9.0.0/16");
    }

    #[test]
    fn overlapping_is_symmetric_and_knows_nesting() {
        let [wide, narrow, other] =
            ["10.0.0.0/8", "10.91.4.0/24", "172.16.0.0/16"].map(|s| s.parse::<Subnet>().unwrap());
        assert!(wide.overlaps(narrow) && narrow.overlaps(wide));
        assert!(!other.overlaps(wide) && !wide.overlaps(other));
    }

    #[test]
    fn a_subnet_that_the_host_routes_is_not_chosen() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n\
                     eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n\
                     br0\t00005B0A\t00000000\t0001\t0\t0\t0\t0000FFFF\n";
        let taken = parse_routes(table);
        assert_eq!(taken, ["10.91.0.0/16".parse().unwrap()]);
        assert_eq!(free(&taken).unwrap().to_string(), "10.92.0.0/16");
    }

    #[test]
    fn the_gateway_is_an_address_of_the_subnet() {
        let subnet: Subnet = "10.91.0.0/24".parse().unwrap();
        assert!(subnet.holds(subnet.first()));
        assert!(!subnet.holds([10, 91, 0, 255].into()) && !subnet.holds([10, 91, 0, 0].into()));
    }
}
