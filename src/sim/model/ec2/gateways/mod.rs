//! Gateways: Elastic IP addresses, NAT gateways, and what is said of Transit Gateways.

mod addresses;
mod nat;
mod nat_addresses;
mod transit;

pub use addresses::{AddressView, AllocateAddress, ReadAddresses};
pub use nat::{Connectivity, CreateNat, NatState, NatView};
pub use nat_addresses::{AddressState, ChangeNat, NatAddressView};
pub use transit::TransitView;

pub(super) use addresses::Addresses;
pub(super) use nat::Nats;
