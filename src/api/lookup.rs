//! Finding what a path names.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use super::fields::cut;
use super::problem::{Kind, Problem};
use crate::decide::rows::{InstanceRow, ScaleUpRow};
use crate::decide::words::{Ec2Id, ScaleUpSeq, SlotId};
use crate::store::{InstanceFilter, ScaleUpFilter, Store, StoreError};

/// The one part of a path that names something, decoded.
#[derive(Debug)]
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(name) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|e| Problem::new(Kind::NoSuchPath, "the path cannot be read").cause(e))?;
        // The longest name that anything has is a UUID's 36 characters.
        if name.len() > 64 {
            return Err(Problem::new(
                Kind::NoSuchPath,
                format!("there is nothing called '{}'", cut(&name, 64)),
            ));
        }
        Ok(Name(name))
    }
}

/// The two parts of a path that name something, decoded.
#[derive(Debug)]
pub struct Names(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for Names {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path((first, second)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|e| Problem::new(Kind::NoSuchPath, "the path cannot be read").cause(e))?;
        if let Some(long) = [&first, &second].into_iter().find(|name| name.len() > 64) {
            let what = format!("there is nothing called '{}'", cut(long, 64));
            return Err(Problem::new(Kind::NoSuchPath, what));
        }
        Ok(Names(first, second))
    }
}

/// A scale-up by its public id or its number.
pub async fn scale_up(store: &Store, name: &str) -> Result<ScaleUpRow, Problem> {
    let found = match name.parse() {
        Ok(seq) => by_number(store, ScaleUpSeq(seq)).await?,
        Err(_) => store.scale_up(name).await?,
    };
    found.ok_or_else(|| Problem::new(Kind::UnknownScaleUp, format!("there is no scale-up '{name}'")))
}

/// The newest scale-up below the next number, if that is the one.
pub async fn by_number(store: &Store, seq: ScaleUpSeq) -> Result<Option<ScaleUpRow>, StoreError> {
    let above = seq.0.checked_add(1).map(ScaleUpSeq);
    let newest = store.scale_ups(&ScaleUpFilter::default(), above, 1).await?;
    Ok(newest.into_iter().find(|row| row.seq == seq))
}

/// A slot, with its scale-up and its attempts, newest last.
#[derive(Debug)]
pub struct Slot {
    pub id: SlotId,
    pub scale_up: ScaleUpRow,
    pub attempts: Vec<InstanceRow>,
}

/// A slot by its name or by the EC2 id of any of its instances.
pub async fn slot(store: &Store, name: &str) -> Result<Slot, Problem> {
    let unknown = |what: String| Problem::new(Kind::UnknownSlot, what);
    let id = match name.parse::<SlotId>() {
        Ok(id) => id,
        Err(not_a_slot) if name.starts_with("i-") => {
            let ec2: Ec2Id = name.parse().map_err(|_| unknown(not_a_slot))?;
            let filter = InstanceFilter { id: Some(ec2), ..InstanceFilter::default() };
            let found = store.instances(&filter, None, 1).await?;
            let instance = found
                .first()
                .ok_or_else(|| unknown(format!("no instance '{name}' was ever launched by this muster")))?;
            instance.slot()
        }
        Err(not_a_slot) => return Err(unknown(format!("{not_a_slot}, or an EC2 instance id (i-...)"))),
    };
    let scale_up = by_number(store, id.scale_up).await?.filter(|row| id.ordinal < row.wanted);
    let scale_up = scale_up.ok_or_else(|| unknown(format!("there is no slot '{id}'")))?;
    let attempts = store.attempts(id).await?;
    Ok(Slot { id, scale_up, attempts })
}
