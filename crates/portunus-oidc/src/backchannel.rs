//! What a provider tells of logouts that happened elsewhere (OpenID Connect Back-Channel Logout 1.0).

use portunus_exchange::{Reply, ReplyBody};

use crate::form::Form;
use crate::id_token::{self, Logout};
use crate::plan::Plan;
use crate::provider::Now;
use crate::refusal::Refusal;
use crate::revoked::Ended;

/// Ends the sessions that a logout token names, sent to the place of the provider of that name.
pub(crate) async fn answer(plan: &Plan, name: Option<&str>, body: &[u8], now: Now) -> Reply {
    match end(plan, name, body, now).await {
        Ok(()) => Reply::plain(200, ReplyBody::Empty).with_header("Cache-Control", "no-store"),
        Err(refusal) => refusal.reply(),
    }
}

async fn end(plan: &Plan, name: Option<&str>, body: &[u8], now: Now) -> Result<(), Refusal> {
    let provider = plan.provider(name).ok_or(Refusal::Path)?;
    let form = Form::parse(body).unwrap_or_default();
    let token = form.value("logout_token").ok_or(Refusal::LogoutToken("there is none"))?;
    let verified = provider.verify(token, &provider.logout_rules, now).await;
    let verified = verified.map_err(|fault| match fault {
        Some(fault) => Refusal::LogoutToken(id_token::fault(&fault)),
        None => Refusal::Unavailable,
    })?;
    let Logout { sid, subject, at } = id_token::logout(&verified, now.seconds())?;
    let provider = provider.mark.as_str();
    if let Some(sid) = &sid {
        // By our clock, which began the sessions: nothing that comes later has the name of a session that is over.
        plan.revoke(Ended::ProviderSession { provider, sid }, now.seconds());
    } else if let Some(subject) = &subject {
        plan.revoke(Ended::Subject { provider, subject }, at);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
