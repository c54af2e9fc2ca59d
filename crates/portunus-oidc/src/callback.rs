//! The end of a login: a provider's answer becomes a session.

use portunus_exchange::Reply;

use crate::cookie::Life;
use crate::form::Form;
use crate::login::{Expected, Login, code_of};
use crate::page;
use crate::plan::{Plan, Visit};
use crate::refusal::Refusal;

/// What a browser gets that comes back from a provider, at the place of the provider of that name.
pub(crate) async fn answer(
    plan: &Plan,
    answer: Option<Form>,
    name: Option<&str>,
    visit: &Visit,
) -> Reply {
    let Some(answer) = answer else { return Refusal::Callback.reply() };
    let state = answer.value("state").unwrap_or_default();
    let sealed = plan.cookies.login(&visit.carried, state);
    let login = sealed.and_then(|it| Login::open(&plan.sealer, plan.cookies.session_name(), it));
    // Good or not: this login is over. What a browser brings once more is of no login then.
    let mut cookies = Vec::new();
    if sealed.is_some() {
        cookies.push(plan.cookies.set_login(state, "", Life::Over));
    }
    match finish(plan, &answer, login.as_ref(), name, visit).await {
        Ok((target, lines)) => {
            cookies.extend(lines);
            page::redirect(&target, cookies)
        }
        Err(refusal) => {
            // What the browser alone can bring about is in the access log.
            if matches!(refusal, Refusal::IdToken(_) | Refusal::Size) {
                tracing::warn!(?refusal, "a login failed");
            }
            page::with_cookies(refusal.reply(), cookies)
        }
    }
}

/// Where the browser goes, and the cookies of its session.
async fn finish(
    plan: &Plan,
    answer: &Form,
    login: Option<&Login>,
    name: Option<&str>,
    visit: &Visit,
) -> Result<(String, Vec<String>), Refusal> {
    let provider = login.and_then(|login| plan.provider_of(&login.provider));
    let metadata = match provider {
        Some(provider) => Some(provider.remote.known().await.ok_or(Refusal::Unavailable)?),
        None => None,
    };
    let code = code_of(
        answer,
        &Expected {
            login,
            issuer: provider.map(|provider| provider.issuer.as_str()),
            names_itself: metadata.is_some_and(|metadata| metadata.names_itself),
            now: visit.now.seconds(),
        },
    )?;
    let (login, provider) = login.zip(provider).ok_or(Refusal::State)?;
    let is_at_its_place = match name {
        Some(name) => provider.name == name,
        None => plan.providers.len() == 1,
    };
    if !is_at_its_place {
        return Err(Refusal::Issuer);
    }
    let redirect_uri = plan.redirect_uri(provider, &visit.origin);
    let session = provider.redeem(code, login, &redirect_uri, visit.now).await?;
    let cookies = plan.keep(&session, &visit.carried)?;
    Ok((login.target.to_string(), cookies))
}

#[cfg(test)]
mod tests;
