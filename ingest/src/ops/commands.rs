//! What people ask of agents: the right agents are found, and what is asked is queued for them.

use fluxion_model::command::Action;
use fluxion_model::id::{AgentId, CommandId, PosSystemId, RejectId, StoreId, StreamName};

use crate::auth::identity::Operator;
use crate::database::fleet::PosSystem;
use crate::database::{Database, DatabaseError, DatabaseResult};
use crate::views::store::SyncRequest;

/// Asks a store's agents to run streams now.
///
/// # Errors
/// `NotFound` when store or POS system is not the tenant's, `Conflict` when nobody is there to ask.
pub async fn sync(
    database: &dyn Database,
    who: &Operator,
    store: StoreId,
    request: &SyncRequest,
) -> DatabaseResult<Vec<CommandId>> {
    database.store(who.tenant_id, store).await?;
    let systems = database.pos_systems(who.tenant_id, Some(store)).await?;
    let Some(wanted) = request.pos_system_id else {
        let action = Action::Sync {
            pos: None,
            stream: request.stream.clone(),
            mode: request.mode,
        };
        return ask(
            database,
            who,
            &agents_of(database, who, store, &systems).await?,
            &action,
        )
        .await;
    };
    let system = systems.into_iter().find(|system| system.id == wanted);
    let system = system.ok_or(DatabaseError::NotFound("the POS system in this store"))?;
    let action = Action::Sync {
        pos: Some(system.system_name.clone()),
        stream: request.stream.clone(),
        mode: request.mode,
    };
    ask(database, who, &[agent_of(&system)?], &action).await
}

/// Tells a POS system's agent that a person has looked at a tripped delete brake and confirms the deletes.
///
/// # Errors
/// As [`sync`].
pub async fn confirm_deletes(
    database: &dyn Database,
    who: &Operator,
    pos_system: PosSystemId,
    stream: StreamName,
) -> DatabaseResult<Vec<CommandId>> {
    let system = database.pos_system(who.tenant_id, pos_system).await?;
    let action = Action::ConfirmDeletes {
        pos: system.system_name.clone(),
        stream,
    };
    ask(database, who, &[agent_of(&system)?], &action).await
}

/// Asks a POS system's agent to read a rejected row again.
///
/// # Errors
/// As [`sync`].
pub async fn replay_reject(
    database: &dyn Database,
    who: &Operator,
    reject: RejectId,
) -> DatabaseResult<CommandId> {
    let reject = database.reject(who.tenant_id, reject).await?;
    let system = database
        .pos_system(who.tenant_id, reject.pos_system_id)
        .await?;
    let stream = StreamName::new(reject.stream)
        .map_err(|error| DatabaseError::internal("read the stream of a reject", error))?;
    let action = Action::ReplayRejects {
        pos: system.system_name.clone(),
        stream,
        keys: vec![reject.key],
    };
    database
        .add_command(
            who.tenant_id,
            agent_of(&system)?,
            &action,
            Some(who.user_id),
        )
        .await
}

fn agent_of(system: &PosSystem) -> DatabaseResult<AgentId> {
    system.agent_id.ok_or_else(|| {
        let message = if system.connector == "webhook" {
            "Nobody reads this POS system: it calls out by itself. Have it send again what is missing, under new event ids"
        } else {
            "No agent reads this POS system; enrol one at the store first"
        };
        DatabaseError::Conflict(message.to_owned())
    })
}

/// The agents that read the store's POS systems; while none has declared any, all that are enrolled.
async fn agents_of(
    database: &dyn Database,
    who: &Operator,
    store: StoreId,
    systems: &[PosSystem],
) -> DatabaseResult<Vec<AgentId>> {
    let live = database.agents(who.tenant_id, Some(store)).await?;
    let live: Vec<AgentId> = live
        .into_iter()
        .filter(|agent| agent.revoked_at.is_none())
        .map(|agent| agent.id)
        .collect();
    let reads = |agent: &AgentId| systems.iter().any(|system| system.agent_id == Some(*agent));
    let readers: Vec<AgentId> = live.iter().copied().filter(reads).collect();
    let agents = if readers.is_empty() { live } else { readers };
    if agents.is_empty() {
        let message =
            "No agent is enrolled at this store; make an enrolment code and enrol one first";
        return Err(DatabaseError::Conflict(message.to_owned()));
    }
    Ok(agents)
}

async fn ask(
    database: &dyn Database,
    who: &Operator,
    agents: &[AgentId],
    action: &Action,
) -> DatabaseResult<Vec<CommandId>> {
    let mut commands = Vec::with_capacity(agents.len());
    for agent in agents {
        commands.push(
            database
                .add_command(who.tenant_id, *agent, action, Some(who.user_id))
                .await?,
        );
    }
    Ok(commands)
}
