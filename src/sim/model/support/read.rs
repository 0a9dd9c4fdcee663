//! `DescribeCases` and `DescribeCommunications`.

use super::super::listing::cut;
use super::Support;
use super::call::{Answer, CaseView, Communication, DescribeCases, Page, Recent, Status, Times};
use super::case::Case;
use super::error::ApiError;

/// Most ids in one call.
const IDS_MAX: usize = 100;
/// What a page may hold; and what it holds if the call does not say.
const PAGE: std::ops::RangeInclusive<usize> = 10..=100;
/// Communications that come with a case.
const RECENT: usize = 5;

impl Support {
    pub(super) fn describe_cases(&self, call: &DescribeCases, now_ms: i64) -> Result<Answer, ApiError> {
        if call.ids.len() > IDS_MAX {
            return Err(ApiError::invalid(format!("caseIdList may have at most {IDS_MAX} entries.")));
        }
        if let Some(id) = call.ids.iter().find(|id| !self.cases.iter().any(|case| case.id == **id)) {
            return Err(ApiError::unknown_case(id));
        }
        let asked = |case: &&Case| {
            (call.ids.is_empty() || call.ids.contains(&case.id))
                && call.display_id.as_ref().is_none_or(|id| case.display_id == *id)
                && call.times.contain(case.created_ms)
                && (call.include_resolved || case.status(now_ms) != Status::Resolved)
        };
        // The latest first: so the pages stay as they are while cases are added.
        let (cases, next_token) = paged(self.cases.iter().rev().filter(asked), &call.page)?;
        let view = |case: &Case| CaseView {
            id: case.id.clone(),
            display_id: case.display_id.clone(),
            created: case.created.clone(),
            status: case.status(now_ms),
            created_ms: case.created_ms,
            communications: call.include_communications.then(|| recent(case)),
        };
        Ok(Answer::Cases { cases: cases.into_iter().map(view).collect(), next_token })
    }

    pub(super) fn describe_communications(
        &self,
        case_id: &str,
        times: Times,
        page: &Page,
    ) -> Result<Answer, ApiError> {
        let case = self.cases.iter().find(|case| case.id == case_id);
        let case = case.ok_or_else(|| ApiError::unknown_case(case_id))?;
        let asked = |c: &&Communication| times.contain(c.at_ms);
        let (communications, next_token) =
            paged(case.communications.iter().rev().filter(asked).cloned(), page)?;
        Ok(Answer::Communications { communications, next_token })
    }
}

fn recent(case: &Case) -> Recent {
    let all = case.communications.iter().rev().cloned();
    let (communications, next_token) = cut(all, None, RECENT).unwrap_or_default();
    Recent { communications, next_token }
}

fn paged<T>(all: impl IntoIterator<Item = T>, page: &Page) -> Result<(Vec<T>, Option<String>), ApiError> {
    let most = match page.max_results.map(usize::try_from) {
        None => *PAGE.end(),
        Some(Ok(n)) if PAGE.contains(&n) => n,
        Some(_) => return Err(ApiError::invalid("maxResults must be from 10 to 100.")),
    };
    cut(all, page.next_token.as_deref(), most).ok_or_else(|| ApiError::invalid("Invalid next token."))
}

#[cfg(test)]
mod tests {
    use super::super::super::Model;
    use super::super::call::Verb;
    use super::super::testing::*;
    use super::*;

    fn cases(model: &mut Model, call: DescribeCases) -> (Vec<CaseView>, Option<String>) {
        match ask(model, Verb::DescribeCases(call), 100_000) {
            Ok(Answer::Cases { cases, next_token }) => (cases, next_token),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn cases_are_found_by_id_time_and_state() {
        let mut model = model(|_| {});
        let ids: Vec<String> = (0..3).map(|i| create(&mut model, i * 1_000)).collect();
        ask(&mut model, Verb::ResolveCase { case_id: Some(ids[0].clone()) }, 10_000).unwrap();
        let found = |model: &mut Model, call| {
            cases(model, call).0.into_iter().map(|case| case.id).collect::<Vec<_>>()
        };
        let all = DescribeCases::default;
        assert_eq!(found(&mut model, all()), [ids[2].clone(), ids[1].clone()]);
        assert_eq!(found(&mut model, DescribeCases { include_resolved: true, ..all() }).len(), 3);
        assert_eq!(found(&mut model, DescribeCases { ids: ids[1..2].to_vec(), ..all() }), ids[1..2]);
        let late = Times { after_ms: Some(1_500), before_ms: None };
        assert_eq!(found(&mut model, DescribeCases { times: late, ..all() }), ids[2..]);
        let early = Times { after_ms: None, before_ms: Some(1_500) };
        assert_eq!(found(&mut model, DescribeCases { times: early, ..all() }), ids[1..2]);
        let (views, _) = cases(&mut model, all());
        let by_display = DescribeCases { display_id: Some(views[0].display_id.clone()), ..all() };
        assert_eq!(found(&mut model, by_display), ids[2..]);
        let unknown = DescribeCases { ids: vec!["case-1".into()], ..all() };
        assert_eq!(ask(&mut model, Verb::DescribeCases(unknown), 100_000), Err("CaseIdNotFound"));
    }

    #[test]
    fn pages_have_ten_or_more() {
        let mut model = model(|s| s.calls.burst = 1_000.0);
        for _ in 0..12 {
            create(&mut model, 0);
        }
        let page = |max_results, next_token: Option<String>| DescribeCases {
            page: Page { max_results, next_token },
            ..DescribeCases::default()
        };
        let (first, token) = cases(&mut model, page(Some(10), None));
        let (second, none) = cases(&mut model, page(Some(10), token));
        assert_eq!((first.len(), second.len(), none), (10, 2, None));
        for wrong in [page(Some(9), None), page(Some(101), None), page(None, Some("x".into()))] {
            assert_eq!(ask(&mut model, Verb::DescribeCases(wrong), 100_000), Err("ValidationException"));
        }
    }

    #[test]
    fn the_latest_words_come_with_a_case_unless_they_are_not_wanted() {
        let mut model = model(|_| {});
        let id = create(&mut model, 0);
        for i in 1..8 {
            let verb = Verb::AddCommunicationToCase { case_id: Some(id.clone()), body: format!("word {i}") };
            ask(&mut model, verb, i * 1_000).unwrap();
        }
        let recent = cases(&mut model, DescribeCases::default()).0[0].communications.clone().unwrap();
        assert_eq!((recent.communications.len(), recent.next_token.is_some()), (5, true));
        assert_eq!(recent.communications[0].body, "word 7");
        let bare = DescribeCases { include_communications: false, ..DescribeCases::default() };
        assert_eq!(cases(&mut model, bare).0[0].communications, None);
        let verb = Verb::DescribeCommunications {
            case_id: id,
            times: Times { after_ms: Some(2_000), before_ms: Some(4_000) },
            page: Page::default(),
        };
        match ask(&mut model, verb, 100_000) {
            Ok(Answer::Communications { communications, .. }) => assert_eq!(communications.len(), 3),
            other => panic!("{other:?}"),
        }
    }
}
