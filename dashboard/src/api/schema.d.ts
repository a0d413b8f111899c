// Generated from ingest/openapi.json by `npm run generate`. Do not edit.

export interface paths {
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process runs. */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Counters for Prometheus. Keep this address from the internet at your reverse proxy. */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the database answers, so that requests can be served. */
        get: operations["ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/account-payments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Money received against customers' balances. */
        get: operations["account_payments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/batches": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Applies a batch, exactly once. The body is NDJSON: a header line, then one line per item. */
        post: operations["deliver"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/commands": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the agent has to do. Held open until there is something, so that a command arrives within a second. */
        get: operations["commands"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/commands/{id}/outcome": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keeps how a command went. */
        post: operations["command_outcome"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/enrol": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Exchanges a single-use code for a token. An agent that names the token itself may ask again when the answer was lost. */
        post: operations["enrol"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/heartbeat": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keeps what an agent says about itself. */
        post: operations["heartbeat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/pos-systems/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Declares a POS system of the agent's store, or brings it up to date. */
        put: operations["declare"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/releases/{version}/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A program of a release that is offered. `Range` fetches what is missing of it. */
        get: operations["release_file"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/resume-point": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the cloud holds of this agent, for an agent that doubts its disk. */
        get: operations["resume_point"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/carry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Imports a file that `fluxion-agent carry export` wrote, as if the agent had posted what is in it. What the cloud has
         *     already is passed over, so bringing a file twice, or again after it broke off, does no harm. The receipt in the answer
         *     goes back to the store. Behind a proxy, allow bodies of 4 GiB and do not buffer them.
         */
        post: operations["import"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cash-sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Cash drawers from opening to count. */
        get: operations["cash_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/categories": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Product groups. */
        get: operations["categories"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conflicts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Conflicts, those that cost most first; open ones unless another state is asked for. */
        get: operations["conflicts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conflicts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One conflict. */
        get: operations["conflict"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conflicts/{id}/resolve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Decides a conflict in one of its ways. */
        post: operations["resolve"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Customers. */
        get: operations["customers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Server-sent events: `store_changed`, `job_changed`, `conflict_changed`, `reject_changed`. The data says what it is
         *     about; read it anew from the API.
         */
        get: operations["events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sync jobs, the latest first. */
        get: operations["jobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One sync job. */
        get: operations["job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/locations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Places within stores where stock stands. */
        get: operations["locations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is logged in. */
        get: operations["me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All stores, those that need attention first, and figures over them. */
        get: operations["overview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/pos-systems": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** POS systems, by store and name. */
        get: operations["pos_systems"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/prices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Prices. */
        get: operations["prices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/products": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Products of all stores, by SKU, with what each store has of them. */
        get: operations["products"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/products/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One product: stock per location, prices per list, and the POS rows that it is made of. */
        get: operations["product"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/products/{id}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Its prices and stock over time, newest first. */
        get: operations["history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rejects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Rows set aside, the latest first; open ones unless another state is asked for. */
        get: operations["rejects"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rejects/{id}/dismiss": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says that the reject does not matter. It stays away for as long as the row is wrong in the same way. */
        post: operations["dismiss"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rejects/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks the agent to read the row again, in case the POS or the mapping was mended. */
        post: operations["replay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sales": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sales with their lines and payments. */
        get: operations["sales"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sales/{pos_system}/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One sale. */
        get: operations["sale"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Logs in. The session is a cookie that scripts cannot read. */
        post: operations["log_in"];
        /** Logs out. */
        delete: operations["log_out"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/source-products": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Products as each POS has them, not merged. */
        get: operations["source_products"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stock-levels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Stock levels. */
        get: operations["stock_levels"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stock-movements": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Changes of stock other than sales. */
        get: operations["stock_movements"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stores": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Stores by name. */
        get: operations["stores"];
        put?: never;
        /** Adds a store. */
        post: operations["create_store"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stores/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All there is to know about a store. */
        get: operations["store"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stores/{id}/enrolment-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a code with which one agent can be enrolled at the store, once. It is shown this once. */
        post: operations["create_enrolment_code"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stores/{id}/sync": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks the store's agents to run streams now. */
        post: operations["sync"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stores/{id}/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes an address at the store that a POS calls out to, and the secret that it signs with, which is shown this once. */
        post: operations["create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/streams/confirm-deletes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a stream go on whose delete brake has tripped, deletes included. */
        post: operations["confirm_deletes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/suppliers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Suppliers. */
        get: operations["suppliers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{pos_system_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Takes an event of a POS that calls out by itself, exactly once.
         * @description Calls are signed by [Standard Webhooks](https://www.standardwebhooks.com), so any of its libraries will do. `webhook-id`
         *     names the event and stays the same when it is sent again; `webhook-timestamp` is the time of this attempt in seconds
         *     since 1970, within five minutes of ours; `webhook-signature` is `v1,` and the base64 of the HMAC-SHA256 of
         *     `{webhook-id}.{webhook-timestamp}.{body}`, keyed with the bytes that stand in base64 after `whsec_` in the secret.
         *
         *     The body is one JSON object that says what happened in `event_type` (or `type`), and to what in `data`; which events
         *     there are, and which fields, is up to the webhook's mapping. Events are applied as they arrive: about one and the same
         *     thing, send the next when the last was answered.
         *
         *     ```sh
         *     body='{"event_type":"stock_movement","data":{"movement_id":"m-1","variant_id":"7591","type":"sale","quantity":-2,"timestamp":"2026-11-20T09:30:00Z"}}'
         *     id=evt_1 now=$(date +%s)
         *     key=$(printf %s "${SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
         *     signature=$(printf %s "$id.$now.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
         *     curl -sS "$URL" -H 'content-type: application/json' -H "webhook-id: $id" -H "webhook-timestamp: $now" \
         *       -H "webhook-signature: v1,$signature" -d "$body"
         *     ```
         *
         *     200 means that the event is kept for good, also when records of it were set aside because something is wrong with them:
         *     `set_aside` counts them. Send it again, with the same id and signed anew, after 429 (as `Retry-After` says), 5xx, or no
         *     answer at all. After 400, 413, 415 and 422 another attempt would end the same way: mend the event first. 401 asks for a
         *     right signature, and 410 says that nothing will be taken here again.
         */
        post: operations["call"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{pos_system_id}/deactivate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes no more events at this address, for good. What came by it stays. */
        post: operations["deactivate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{pos_system_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Replaces a webhook's secret. The old one is good for 24 hours more; the new one is shown this once. */
        post: operations["rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Money received against a customer's balance. */
        AccountPayment: {
            /** @description How much; negative when it was taken back. */
            amount: string;
            /**
             * Format: date-time
             * @description When it was received.
             */
            at: string;
            /** @description Currency of the amount. */
            currency: components["schemas"]["Currency"];
            /** @description Its [`Customer`]. */
            customer: components["schemas"]["ExternalId"];
            /** @description Identity at the POS. */
            id: components["schemas"]["ExternalId"];
            /** @description How, in the POS's own word. */
            method?: string | null;
            /** @description Number of the receipt. */
            reference?: string | null;
        };
        /** @description The cloud's answer to a delivery. Both mean that the agent may forget it. */
        Ack: {
            /**
             * Format: int32
             * @description Records the cloud had to set aside, by themselves.
             */
            rejected?: number;
            /** @enum {string} */
            result: "applied";
            /** @description Which. */
            seq: components["schemas"]["BatchSeq"];
        } | {
            /** @description The last batch that was applied. */
            last_seq: components["schemas"]["BatchSeq"];
            /** @enum {string} */
            result: "duplicate";
        };
        /** @description What to do. */
        Action: {
            /** @enum {string} */
            action: "sync";
            /** @description Read everything again and derive deletes. */
            mode?: components["schemas"]["SyncMode"];
            /** @description The POS system by its name in the agent's configuration; all when absent. */
            pos?: string | null;
            stream?: components["schemas"]["StreamName"] | null;
        } | {
            /** @enum {string} */
            action: "confirm_deletes";
            /** @description The POS system by its name in the agent's configuration. */
            pos: string;
            /** @description The stream. */
            stream: components["schemas"]["StreamName"];
        } | {
            /** @enum {string} */
            action: "replay_rejects";
            /** @description Source keys; all rejected rows of the stream when empty. */
            keys?: string[];
            /** @description The POS system by its name in the agent's configuration. */
            pos: string;
            /** @description The stream. */
            stream: components["schemas"]["StreamName"];
        } | {
            /** @enum {string} */
            action: "reload_mapping";
        } | {
            /** @enum {string} */
            action: "unknown";
        };
        /**
         * Format: uuid
         * @description One installed agent with its own credential.
         */
        AgentId: string;
        /** @description An installed agent. */
        AgentView: {
            /**
             * Format: int64
             * @description By how many milliseconds its clock is ahead of the server's.
             */
            clock_skew_ms?: number | null;
            /**
             * Format: int64
             * @description Free space on the disk of its spool, bytes.
             */
            disk_free_bytes?: number | null;
            /**
             * Format: date-time
             * @description When it was enrolled.
             */
            enrolled_at: string;
            /** @description Which agent. */
            id: components["schemas"]["AgentId"];
            /**
             * Format: date-time
             * @description When it was last heard of.
             */
            last_seen_at?: string | null;
            /** @description Name of the PC. */
            machine: string;
            /** @description Its operating system. */
            os?: string | null;
            /** @description What waits to be sent. */
            queue: components["schemas"]["Queue"];
            /**
             * Format: date-time
             * @description When its token was revoked; it can send nothing since.
             */
            revoked_at?: string | null;
            update?: components["schemas"]["UpdateReport"] | null;
            /** @description The agent's version. */
            version: string;
        };
        /**
         * Format: int64
         * @description The number of a batch within its [`Epoch`], counted by the agent from 1 without gaps.
         */
        BatchSeq: number;
        /**
         * @description Whether all of a file is in the cloud now.
         * @enum {string}
         */
        CarryOutcome: "complete" | "gap";
        /** @description What a file brought. */
        CarryReport: {
            /** @description The agent that wrote it. */
            agent_id: components["schemas"]["AgentId"];
            /**
             * Format: int64
             * @description Deliveries that were applied now.
             */
            applied: number;
            /**
             * Format: int64
             * @description Records that are gone.
             */
            deleted: number;
            /**
             * Format: int64
             * @description Records that are new.
             */
            inserted: number;
            /**
             * Format: int64
             * @description Deliveries that the cloud had already.
             */
            known: number;
            /**
             * Format: date-time
             * @description When the file was written, by the store's clock.
             */
            made_at: string;
            /**
             * Format: int64
             * @description The delivery that the cloud waits for, where something is missing.
             */
            missing?: number | null;
            /** @description Whether all of it is in the cloud now. */
            outcome: components["schemas"]["CarryOutcome"];
            /** @description Text of the receipt, to be carried back as it is. */
            receipt: string;
            /** @description What to call the receipt's file. */
            receipt_name: string;
            /**
             * Format: int64
             * @description Records set aside, by agent or cloud.
             */
            rejected: number;
            /** @description The store it stands in. */
            store_id: components["schemas"]["StoreId"];
            /** @description That store's name. */
            store_name: string;
            /**
             * Format: int64
             * @description Records that changed, or came back.
             */
            updated: number;
        };
        /** @description A cash drawer from opening to count. */
        CashSession: {
            /** @description Who was at it. */
            cashier?: string | null;
            /**
             * Format: date-time
             * @description When it was closed; absent while it is open.
             */
            closed_at?: string | null;
            /** @description Cash that was counted. */
            counted?: string | null;
            /** @description Currency of the amounts. */
            currency: components["schemas"]["Currency"];
            /** @description Cash that should be there at the end. */
            expected?: string | null;
            /** @description Identity at the POS. */
            id: components["schemas"]["ExternalId"];
            /**
             * Format: date-time
             * @description When it was opened.
             */
            opened_at: string;
            /** @description Cash at opening. */
            opening?: string | null;
            /** @description Which till. */
            register?: string | null;
        };
        /** @description A product group. */
        Category: {
            /** @description Whether it is in use. */
            active?: boolean;
            /** @description Identity at the POS. */
            id: components["schemas"]["ExternalId"];
            /** @description What people call it. */
            name: string;
            parent?: components["schemas"]["ExternalId"] | null;
        };
        /** @description One thing to do. An agent answers a kind it does not know with [`CommandOutcome::Unsupported`]. */
        Command: components["schemas"]["Action"] & {
            /** @description Carrying out the same id twice is carrying it out once. */
            id: components["schemas"]["CommandId"];
        };
        /**
         * Format: uuid
         * @description Something the cloud asked an agent to do.
         */
        CommandId: string;
        /** @description How it went. */
        CommandOutcome: {
            /** @enum {string} */
            outcome: "done";
        } | {
            /** @description Why, for a person. */
            message: string;
            /** @enum {string} */
            outcome: "failed";
        } | {
            /** @enum {string} */
            outcome: "unsupported";
        };
        /** @description What agents were asked; they answer within seconds when they are there, else as soon as they are back. */
        CommandsQueued: {
            /** @description One for each agent of the store. */
            commands: components["schemas"]["CommandId"][];
        };
        /** @description `POST /v1/streams/confirm-deletes`: a person has looked at a tripped delete brake. */
        ConfirmDeletes: {
            /** @description Which POS system. */
            pos_system_id: components["schemas"]["PosSystemId"];
            /** @description Which stream. */
            stream: components["schemas"]["StreamName"];
        };
        /**
         * Format: uuid
         * @description Two truths that disagree.
         */
        ConflictId: string;
        /**
         * @description What disagrees.
         * @enum {string}
         */
        ConflictKind: "price_mismatch" | "quantity_diff" | "duplicate_sku";
        /**
         * @description Whether a conflict waits for a decision.
         * @enum {string}
         */
        ConflictStatus: "open" | "resolved";
        /** @description Two truths that disagree. */
        ConflictView: {
            /** @description What the cloud holds. */
            cloud_data: unknown;
            /**
             * Format: date-time
             * @description When it was found.
             */
            created_at: string;
            /** @description Currency of that. */
            currency?: string | null;
            /** @description About what kind of record. */
            entity: components["schemas"]["EntityKind"];
            /**
             * Format: uuid
             * @description About which record of ours.
             */
            entity_id: string;
            /** @description Which conflict. */
            id: components["schemas"]["ConflictId"];
            /** @description What disagrees. */
            kind: components["schemas"]["ConflictKind"];
            /** @description What it costs, where that can be told. */
            money_impact?: string | null;
            /** @description What that person noted. */
            notes?: string | null;
            /** @description What the POS says. */
            pos_data: unknown;
            /** @description The POS system's name. */
            pos_system: string;
            /** @description In which POS system. */
            pos_system_id: components["schemas"]["PosSystemId"];
            /**
             * Format: date-time
             * @description When it was decided.
             */
            resolved_at?: string | null;
            resolved_by?: components["schemas"]["UserId"] | null;
            /** @description Whether it waits for a decision. */
            status: components["schemas"]["ConflictStatus"];
            /** @description In which store. */
            store_id: components["schemas"]["StoreId"];
            /** @description The store's name. */
            store_name: string;
            /** @description Ways to decide it. */
            strategies: components["schemas"]["Strategy"][];
            strategy?: components["schemas"]["Strategy"] | null;
        };
        /** @description An ISO 4217 code: `VES`, `USD`, `MXN`, `ARS`, `PAB`. */
        Currency: string;
        /** @description Who buys, by name or on account. */
        Customer: {
            /** @description Whether it is in use. */
            active?: boolean;
            /** @description Postal address on one line. */
            address?: string | null;
            /** @description How much is owed now. */
            balance?: string | null;
            /** @description How much may be owed. */
            credit_limit?: string | null;
            currency?: components["schemas"]["Currency"] | null;
            /** @description E-mail address, as the POS holds it. */
            email?: string | null;
            /** @description Identity at the POS. */
            id: components["schemas"]["ExternalId"];
            /** @description Person or company. */
            name: string;
            /** @description Telephone number, as the POS holds it. */
            phone?: string | null;
            /** @description RIF, RFC, CUIT or RUC, as its country writes it. */
            tax_id?: string | null;
            /**
             * Format: int32
             * @description Days until a purchase on account is due.
             */
            terms_days?: number | null;
        };
        /** @description Records that were new or changed today. */
        DataVolume: {
            /**
             * Format: int64
             * @description Stock movements.
             */
            movements: number;
            /**
             * Format: int64
             * @description Products.
             */
            products: number;
            /**
             * Format: int64
             * @description Sales.
             */
            sales: number;
        };
        /** @description A code that makes one agent known, once. It is shown this once; only its hash is kept. */
        EnrolmentCode: {
            /** @description What the technician types: `K7QF-3MXW-9TRA`. Dashes and case do not matter. */
            code: string;
            /**
             * Format: date-time
             * @description When it stops working.
             */
            expires_at: string;
            /** @description The store it is for. */
            store_id: components["schemas"]["StoreId"];
        };
        /** @description The answer. The token is shown this once; ingest keeps only its hash. */
        EnrolReply: {
            /** @description Who the agent is from now on. */
            agent_id: components["schemas"]["AgentId"];
            /** @description Where it stands. */
            store_id: components["schemas"]["StoreId"];
            /** @description The store's name. */
            store_name: string;
            /** @description Whose data it carries. */
            tenant_id: components["schemas"]["TenantId"];
            /** @description The company's name. */
            tenant_name: string;
            /** @description The secret, sent as `Authorization: Bearer` with every request. */
            token: string;
        };
        /** @description `POST /v1/agents/enrol`: exchanges a single-use code for a token. */
        EnrolRequest: {
            /** @description As the admin reads it out: letters and digits, dashes and case do not matter. */
            code: string;
            /** @description Name of the machine, for the dashboard. */
            machine: string;
            /** @description Operating system and version, for the dashboard. */
            os?: string | null;
            /**
             * @description The token that the agent made for itself: `fxa_` and 64 hexadecimal digits in lower case. With it a request that
             *     comes again, because its answer was lost, is answered again; without it ingest makes one, and a code that was used
             *     is used.
             */
            token?: string | null;
            /** @description The agent's version. */
            version: string;
        };
        /**
         * @description The canonical kinds of record.
         * @enum {string}
         */
        EntityKind: "location" | "category" | "supplier" | "customer" | "product" | "price" | "stock_level" | "stock_movement" | "sale" | "account_payment" | "cash_session";
        /**
         * Format: uuid
         * @description One life of an agent's spool. A new one starts whenever the spool was lost or restored, so that sequence
         *     numbers of different lives can never be confused.
         */
        Epoch: string;
        /**
         * @description Who must act on an error.
         * @enum {string}
         */
        ErrorClass: "connection" | "data_validation" | "mapping" | "business_rule";
        /** @description What became of an event. Either way the sender may forget it. */
        EventAnswer: {
            /** @description What is wrong with the first of them. */
            problems?: string[];
            /**
             * Format: int32
             * @description Records that it became.
             */
            records: number;
            /** @enum {string} */
            result: "applied";
            /**
             * Format: int32
             * @description Records that were set aside because something is wrong with them; they are kept and shown in the dashboard.
             */
            set_aside: number;
        } | {
            /** @enum {string} */
            result: "duplicate";
        };
        /** @description The identity a POS gives to one of its things, as text, leading zeros kept: `000123`, `A-77`, `1|3`. */
        ExternalId: string;
        /** @description A record as its POS system sent it, and whose it is. */
        Fact_Sale: {
            /**
             * Format: int32
             * @description The version of the mapping that made it.
             */
            mapping_version: number;
            /** @description Which POS system sent it. */
            pos_system_id: components["schemas"]["PosSystemId"];
            /**
             * Format: date-time
             * @description When it last changed here.
             */
            received_at: string;
            /** @description A ticket, invoice or credit note with its lines and payments; always sent whole. */
            record: {
                /**
                 * Format: date-time
                 * @description When it happened.
                 */
                at: string;
                /** @description Who was at the till. */
                cashier?: string | null;
                /** @description Currency of every amount but a payment's own. */
                currency: components["schemas"]["Currency"];
                customer?: components["schemas"]["ExternalId"] | null;
                /** @description The name printed on it. */
                customer_name?: string | null;
                /** @description Taken off the whole document, before tax. */
                discount?: string | null;
                /** @description Units of `currency` for one US dollar (or the tenant's reference currency) that day, where two are in use. */
                exchange_rate?: string | null;
                /** @description Identity at the POS. */
                id: components["schemas"]["ExternalId"];
                /** @description Sale or return. */
                kind?: components["schemas"]["SaleKind"];
                /** @description What was sold. */
                lines?: components["schemas"]["SaleLine"][];
                location?: components["schemas"]["ExternalId"] | null;
                /** @description The number printed on it. */
                number: string;
                /** @description How it was paid. */
                payments?: components["schemas"]["SalePayment"][];
                /** @description Which till. */
                register?: string | null;
                /** @description Completed or voided. */
                status?: components["schemas"]["SaleStatus"];
                /** @description Sum of the lines before tax. */
                subtotal?: string | null;
                /** @description Tax of the whole document. */
                tax?: string | null;
                /** @description What was to be paid; negative for a return. */
                total: string;
                /**
                 * Format: date-time
                 * @description When the POS says it last changed; a later time alone is no change, and is not sent.
                 */
                updated_at?: string | null;
            };
            /** @description In which store. */
            store_id: components["schemas"]["StoreId"];
        };
        /** @description How the service is. */
        Health: {
            /** @description `sqlite` or `postgres`. */
            database: string;
            /** @description `ok`. */
            status: string;
            /** @description Version of the service. */
            version: string;
        };
        /** @description An agent's state. Everything but the version is optional on the wire, so that old and new agents can talk. */
        Heartbeat: {
            /**
             * Format: int64
             * @description Free space on the disk of the spool, bytes.
             */
            disk_free_bytes?: number | null;
            /** @description The spool's life. */
            epoch: components["schemas"]["Epoch"];
            last_seq?: components["schemas"]["BatchSeq"] | null;
            /**
             * Format: date-time
             * @description The agent's clock when it sent this; the cloud derives the skew.
             */
            now: string;
            /**
             * Format: date-time
             * @description When the oldest waiting batch was made.
             */
            oldest_queued_at?: string | null;
            /** @description Operating system and version, for the dashboard: it changes while the agent stays. */
            os?: string | null;
            /**
             * Format: int64
             * @description Batches waiting in the spool.
             */
            queued_batches?: number;
            /**
             * Format: int64
             * @description Bytes waiting in the spool.
             */
            queued_bytes?: number;
            /** @description Each stream's state. */
            streams?: components["schemas"]["StreamState"][];
            update?: components["schemas"]["UpdateReport"] | null;
            /** @description The agent's version, as in `0.1.0`. */
            version: string;
        };
        /** @description The cloud's answer. */
        HeartbeatReply: {
            /**
             * Format: int64
             * @description How long to wait until the next one, seconds.
             */
            next_in_seconds: number;
            /**
             * Format: date-time
             * @description The cloud's clock.
             */
            now: string;
            update?: components["schemas"]["UpdateOffer"] | null;
        };
        /** @description Figures over all stores. "Today" begins at midnight UTC. */
        IntegrationMetrics: {
            /**
             * Format: double
             * @description Mean duration of today's completed jobs, seconds; absent while there is none.
             */
            avg_sync_duration?: number | null;
            /**
             * Format: int64
             * @description Conflicts that wait for a person.
             */
            conflicts_unresolved: number;
            /** @description Records that arrived today. */
            data_volume_today: components["schemas"]["DataVolume"];
            /** @description When each POS system last completed a job, by its id; null for never. */
            last_sync_by_system: {
                [key: string]: string | null;
            };
            /**
             * Format: int64
             * @description POS systems that are in use.
             */
            pos_systems_active: number;
            /**
             * Format: int64
             * @description Rejects that wait for a person.
             */
            rejects_open: number;
            /**
             * Format: int64
             * @description Jobs begun today.
             */
            sync_jobs_today: number;
            /**
             * Format: double
             * @description Share of today's ended jobs that completed, 0 to 1; absent while none has ended.
             */
            sync_success_rate?: number | null;
        };
        /** @description What a job did so far. */
        JobCounts: {
            /**
             * Format: int64
             * @description Tombstones sent.
             * @default 0
             */
            deletes_sent: number;
            /**
             * Format: int64
             * @description Records sent because they were new or changed.
             * @default 0
             */
            records_sent: number;
            /**
             * Format: int64
             * @description Records whose fingerprint said they had not changed.
             * @default 0
             */
            records_unchanged: number;
            /**
             * Format: int64
             * @description Rows or records set aside.
             * @default 0
             */
            rejected: number;
            /**
             * Format: int64
             * @description Rows read from the source, child rows not counted.
             * @default 0
             */
            rows_read: number;
        };
        /** @description Why a job failed, for a person. */
        JobError: {
            /** @description Who must act. */
            class: components["schemas"]["ErrorClass"];
            /** @description A short, stable word such as `missing_column`, `delete_brake` or `unreachable`. */
            code: string;
            /** @description What to do about it. */
            hint?: string | null;
            /** @description What happened, naming tables and counts, never cell values or secrets. */
            message: string;
        };
        /**
         * Format: uuid
         * @description One sync run of one stream.
         */
        JobId: string;
        /**
         * @description Why a job runs.
         * @enum {string}
         */
        JobKind: "full_sync" | "incremental" | "real_time" | "verify";
        /**
         * @description How far a job is.
         * @enum {string}
         */
        JobStatus: "pending" | "running" | "completed" | "failed";
        /** @description One run of one stream. */
        JobView: {
            /**
             * Format: date-time
             * @description When it ended.
             */
            completed_at?: string | null;
            /** @description What it did. */
            counts: components["schemas"]["JobCounts"];
            /**
             * Format: double
             * @description How long it took, seconds.
             */
            duration?: number | null;
            error?: components["schemas"]["JobError"] | null;
            /** @description Which job. */
            id: components["schemas"]["JobId"];
            /** @description Why it runs. */
            kind: components["schemas"]["JobKind"];
            /** @description The POS system's name. */
            pos_system: string;
            /** @description Of which POS system. */
            pos_system_id: components["schemas"]["PosSystemId"];
            /**
             * Format: date-time
             * @description When it began, by the agent's clock.
             */
            started_at: string;
            /** @description How far it is. */
            status: components["schemas"]["JobStatus"];
            /** @description In which store. */
            store_id: components["schemas"]["StoreId"];
            /** @description The store's name. */
            store_name: string;
            /** @description Of which stream. */
            stream: string;
        };
        /** @description What last went wrong. */
        LastError: {
            /**
             * Format: date-time
             * @description When, as far as it is known.
             */
            at?: string | null;
            /** @description What to do about it. */
            hint?: string | null;
            /** @description What, for a person. */
            message: string;
            /** @description In which POS system, by name. */
            pos_system?: string | null;
            /** @description In which stream. */
            stream?: string | null;
        };
        /** @description A place within a store where stock stands: sales floor, back room, depot. */
        Location: {
            /** @description Whether it is in use. */
            active?: boolean;
            /** @description Identity at the POS. */
            id: components["schemas"]["ExternalId"];
            /** @description What people call it. */
            name: string;
        };
        /** @description `POST /v1/session`: what a person types. */
        Login: {
            /** @description E-mail address; case does not matter. */
            email: string;
            /**
             * Format: password
             * @description Password.
             */
            password: string;
        };
        /** @description Who is logged in. */
        Me: {
            /** @description E-mail address. */
            email: string;
            /** @description Name to greet by. */
            name: string;
            /** @description What the person may do. */
            role: components["schemas"]["Role"];
            /**
             * Format: date-time
             * @description When the session ends by itself.
             */
            session_expires_at: string;
            /** @description The company. */
            tenant_id: components["schemas"]["TenantId"];
            /** @description The company's name. */
            tenant_name: string;
            /** @description The person. */
            user_id: components["schemas"]["UserId"];
        };
        /**
         * @description Why stock changed.
         * @enum {string}
         */
        MovementKind: "purchase" | "purchase_return" | "adjustment" | "transfer_in" | "transfer_out" | "loss" | "sale" | "other";
        /** @description `POST /v1/stores/{id}/enrolment-codes`. */
        NewEnrolmentCode: {
            /**
             * Format: int32
             * @description For how many hours it can be used, 1 to 720; 72 when absent.
             * @default 72
             */
            valid_hours: number | null;
        };
        /** @description `POST /v1/stores`. */
        NewStore: {
            /** @description Where it stands. */
            city?: string | null;
            /** @description Its name, 1 to 200 characters; no two stores share one. */
            name: string;
        };
        /** @description `POST /v1/stores/{id}/webhooks`. */
        NewWebhook: {
            /** @description Country whose business rules apply: `VE`, `MX`, `AR` or `PA`; the store's or the company's when absent. */
            country?: string | null;
            /** @description Currency of amounts that carry none, ISO 4217; the store's or the company's when absent. */
            currency?: string | null;
            /** @description A mapping of your own, whole. Either this or `pack`. */
            mapping?: unknown;
            /** @description Its name, 1 to 200 characters; no two POS systems of a store share one. */
            name: string;
            /** @description A ready mapping whose connector is `webhook`, such as `pos-service`. Either this or `mapping`. */
            pack?: string | null;
            /** @description Settings that the mapping asks for, by name. */
            settings?: {
                [key: string]: unknown;
            };
            /** @description Time zone of moments that carry none, by its IANA name; the store's, the company's or America/Caracas when absent. */
            time_zone?: string | null;
        };
        /** @description Body of the 409 answer to a batch that does not follow the last one: a gap, or a new epoch not beginning at 1. */
        OutOfOrder: {
            epoch?: components["schemas"]["Epoch"] | null;
            /** @description The batch it expects next in that epoch. */
            expected: components["schemas"]["BatchSeq"];
        };
        /** @description `GET /v1/overview`. */
        Overview: {
            /** @description Figures over all stores. */
            metrics: components["schemas"]["IntegrationMetrics"];
            /**
             * Format: date-time
             * @description The server's clock, to reckon ages by.
             */
            now: string;
            /** @description Every store: those that need attention first, then by name. */
            stores: components["schemas"]["StoreOverview"][];
            /** @description The company's name. */
            tenant_name: string;
        };
        /** @description A page of a list. */
        Page_ConflictView: {
            /** @description What is on it. */
            items: {
                /** @description What the cloud holds. */
                cloud_data: unknown;
                /**
                 * Format: date-time
                 * @description When it was found.
                 */
                created_at: string;
                /** @description Currency of that. */
                currency?: string | null;
                /** @description About what kind of record. */
                entity: components["schemas"]["EntityKind"];
                /**
                 * Format: uuid
                 * @description About which record of ours.
                 */
                entity_id: string;
                /** @description Which conflict. */
                id: components["schemas"]["ConflictId"];
                /** @description What disagrees. */
                kind: components["schemas"]["ConflictKind"];
                /** @description What it costs, where that can be told. */
                money_impact?: string | null;
                /** @description What that person noted. */
                notes?: string | null;
                /** @description What the POS says. */
                pos_data: unknown;
                /** @description The POS system's name. */
                pos_system: string;
                /** @description In which POS system. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it was decided.
                 */
                resolved_at?: string | null;
                resolved_by?: components["schemas"]["UserId"] | null;
                /** @description Whether it waits for a decision. */
                status: components["schemas"]["ConflictStatus"];
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
                /** @description The store's name. */
                store_name: string;
                /** @description Ways to decide it. */
                strategies: components["schemas"]["Strategy"][];
                strategy?: components["schemas"]["Strategy"] | null;
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_Fact_AccountPayment: {
            /** @description What is on it. */
            items: {
                /**
                 * Format: int32
                 * @description The version of the mapping that made it.
                 */
                mapping_version: number;
                /** @description Which POS system sent it. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it last changed here.
                 */
                received_at: string;
                /** @description Money received against a customer's balance. */
                record: {
                    /** @description How much; negative when it was taken back. */
                    amount: string;
                    /**
                     * Format: date-time
                     * @description When it was received.
                     */
                    at: string;
                    /** @description Currency of the amount. */
                    currency: components["schemas"]["Currency"];
                    /** @description Its [`Customer`]. */
                    customer: components["schemas"]["ExternalId"];
                    /** @description Identity at the POS. */
                    id: components["schemas"]["ExternalId"];
                    /** @description How, in the POS's own word. */
                    method?: string | null;
                    /** @description Number of the receipt. */
                    reference?: string | null;
                };
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_Fact_CashSession: {
            /** @description What is on it. */
            items: {
                /**
                 * Format: int32
                 * @description The version of the mapping that made it.
                 */
                mapping_version: number;
                /** @description Which POS system sent it. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it last changed here.
                 */
                received_at: string;
                /** @description A cash drawer from opening to count. */
                record: {
                    /** @description Who was at it. */
                    cashier?: string | null;
                    /**
                     * Format: date-time
                     * @description When it was closed; absent while it is open.
                     */
                    closed_at?: string | null;
                    /** @description Cash that was counted. */
                    counted?: string | null;
                    /** @description Currency of the amounts. */
                    currency: components["schemas"]["Currency"];
                    /** @description Cash that should be there at the end. */
                    expected?: string | null;
                    /** @description Identity at the POS. */
                    id: components["schemas"]["ExternalId"];
                    /**
                     * Format: date-time
                     * @description When it was opened.
                     */
                    opened_at: string;
                    /** @description Cash at opening. */
                    opening?: string | null;
                    /** @description Which till. */
                    register?: string | null;
                };
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_Fact_Category: {
            /** @description What is on it. */
            items: {
                /**
                 * Format: int32
                 * @description The version of the mapping that made it.
                 */
                mapping_version: number;
                /** @description Which POS system sent it. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it last changed here.
                 */
                received_at: string;
                /** @description A product group. */
                record: {
                    /** @description Whether it is in use. */
                    active?: boolean;
                    /** @description Identity at the POS. */
                    id: components["schemas"]["ExternalId"];
                    /** @description What people call it. */
                    name: string;
                    parent?: components["schemas"]["ExternalId"] | null;
                };
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_Fact_Customer: {
            /** @description What is on it. */
            items: {
                /**
                 * Format: int32
                 * @description The version of the mapping that made it.
                 */
                mapping_version: number;
                /** @description Which POS system sent it. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it last changed here.
                 */
                received_at: string;
                /** @description Who buys, by name or on account. */
                record: {
                    /** @description Whether it is in use. */
                    active?: boolean;
                    /** @description Postal address on one line. */
                    address?: string | null;
                    /** @description How much is owed now. */
                    balance?: string | null;
                    /** @description How much may be owed. */
                    credit_limit?: string | null;
                    currency?: components["schemas"]["Currency"] | null;
                    /** @description E-mail address, as the POS holds it. */
                    email?: string | null;
                    /** @description Identity at the POS. */
                    id: components["schemas"]["ExternalId"];
                    /** @description Person or company. */
                    name: string;
                    /** @description Telephone number, as the POS holds it. */
                    phone?: string | null;
                    /** @description RIF, RFC, CUIT or RUC, as its country writes it. */
                    tax_id?: string | null;
                    /**
                     * Format: int32
                     * @description Days until a purchase on account is due.
                     */
                    terms_days?: number | null;
                };
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_Fact_Location: {
            /** @description What is on it. */
            items: {
                /**
                 * Format: int32
                 * @description The version of the mapping that made it.
                 */
                mapping_version: number;
                /** @description Which POS system sent it. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it last changed here.
                 */
                received_at: string;
                /** @description A place within a store where stock stands: sales floor, back room, depot. */
                record: {
                    /** @description Whether it is in use. */
                    active?: boolean;
                    /** @description Identity at the POS. */
                    id: components["schemas"]["ExternalId"];
                    /** @description What people call it. */
                    name: string;
                };
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_Fact_Price: {
            /** @description What is on it. */
            items: {
                /**
                 * Format: int32
                 * @description The version of the mapping that made it.
                 */
                mapping_version: number;
                /** @description Which POS system sent it. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it last changed here.
                 */
                received_at: string;
                /** @description What a product costs on one price list of one POS. */
                record: {
                    /** @description Price of one unit. */
                    amount: string;
                    /** @description Currency of the amount. */
                    currency: components["schemas"]["Currency"];
                    /** @description Identity at the POS; where it keeps none, product and list joined. */
                    id: components["schemas"]["ExternalId"];
                    /** @description Name of the price list; `default` where there is only one. */
                    list?: string;
                    /** @description From which quantity it holds. */
                    min_quantity?: string | null;
                    /** @description Its [`Product`]. */
                    product: components["schemas"]["ExternalId"];
                    tax?: components["schemas"]["TaxInclusion"] | null;
                    /**
                     * Format: date-time
                     * @description When the POS says it last changed; a later time alone is no change, and is not sent.
                     */
                    updated_at?: string | null;
                    /**
                     * Format: date-time
                     * @description First moment it holds.
                     */
                    valid_from?: string | null;
                    /**
                     * Format: date-time
                     * @description Last moment it holds.
                     */
                    valid_to?: string | null;
                };
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_Fact_Product: {
            /** @description What is on it. */
            items: {
                /**
                 * Format: int32
                 * @description The version of the mapping that made it.
                 */
                mapping_version: number;
                /** @description Which POS system sent it. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it last changed here.
                 */
                received_at: string;
                /** @description Something that is sold. */
                record: {
                    /** @description Whether it is for sale. */
                    active?: boolean;
                    /** @description EAN, UPC or in-house codes that a scanner reads, main one first. */
                    barcodes?: string[];
                    /** @description Brand name. */
                    brand?: string | null;
                    category?: components["schemas"]["ExternalId"] | null;
                    /** @description Its category by name, where the POS keeps no category table. */
                    category_name?: string | null;
                    /** @description What one unit costs the store, before tax. */
                    cost?: string | null;
                    currency?: components["schemas"]["Currency"] | null;
                    /** @description Longer text. */
                    description?: string | null;
                    /** @description Identity at the POS. */
                    id: components["schemas"]["ExternalId"];
                    /** @description What is printed on the ticket. */
                    name: string;
                    /** @description The code people and labels use; what stores are matched by. Leading zeros matter. */
                    sku: string;
                    supplier?: components["schemas"]["ExternalId"] | null;
                    /** @description Its supplier by name, where the POS keeps no supplier table. */
                    supplier_name?: string | null;
                    /** @description Tax in percent of the price before tax: `16`. */
                    tax_rate?: string | null;
                    /** @description Unit of sale, as the POS writes it: `UND`, `KG`, `CAJA 12`. */
                    unit?: string | null;
                    /**
                     * Format: date-time
                     * @description When the POS says it last changed; a later time alone is no change, and is not sent.
                     */
                    updated_at?: string | null;
                };
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_Fact_Sale: {
            /** @description What is on it. */
            items: {
                /**
                 * Format: int32
                 * @description The version of the mapping that made it.
                 */
                mapping_version: number;
                /** @description Which POS system sent it. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it last changed here.
                 */
                received_at: string;
                /** @description A ticket, invoice or credit note with its lines and payments; always sent whole. */
                record: {
                    /**
                     * Format: date-time
                     * @description When it happened.
                     */
                    at: string;
                    /** @description Who was at the till. */
                    cashier?: string | null;
                    /** @description Currency of every amount but a payment's own. */
                    currency: components["schemas"]["Currency"];
                    customer?: components["schemas"]["ExternalId"] | null;
                    /** @description The name printed on it. */
                    customer_name?: string | null;
                    /** @description Taken off the whole document, before tax. */
                    discount?: string | null;
                    /** @description Units of `currency` for one US dollar (or the tenant's reference currency) that day, where two are in use. */
                    exchange_rate?: string | null;
                    /** @description Identity at the POS. */
                    id: components["schemas"]["ExternalId"];
                    /** @description Sale or return. */
                    kind?: components["schemas"]["SaleKind"];
                    /** @description What was sold. */
                    lines?: components["schemas"]["SaleLine"][];
                    location?: components["schemas"]["ExternalId"] | null;
                    /** @description The number printed on it. */
                    number: string;
                    /** @description How it was paid. */
                    payments?: components["schemas"]["SalePayment"][];
                    /** @description Which till. */
                    register?: string | null;
                    /** @description Completed or voided. */
                    status?: components["schemas"]["SaleStatus"];
                    /** @description Sum of the lines before tax. */
                    subtotal?: string | null;
                    /** @description Tax of the whole document. */
                    tax?: string | null;
                    /** @description What was to be paid; negative for a return. */
                    total: string;
                    /**
                     * Format: date-time
                     * @description When the POS says it last changed; a later time alone is no change, and is not sent.
                     */
                    updated_at?: string | null;
                };
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_Fact_StockLevel: {
            /** @description What is on it. */
            items: {
                /**
                 * Format: int32
                 * @description The version of the mapping that made it.
                 */
                mapping_version: number;
                /** @description Which POS system sent it. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it last changed here.
                 */
                received_at: string;
                /** @description How much of a product stands at one location. */
                record: {
                    /** @description Identity at the POS; where it keeps none, product and location joined. */
                    id: components["schemas"]["ExternalId"];
                    location?: components["schemas"]["ExternalId"] | null;
                    /** @description Do not order above this. */
                    maximum?: string | null;
                    /** @description Reorder below this. */
                    minimum?: string | null;
                    /** @description Units there now; negative when more was sold than was booked in. */
                    on_hand: string;
                    /** @description Its [`Product`]. */
                    product: components["schemas"]["ExternalId"];
                    /** @description Units promised to somebody. */
                    reserved?: string | null;
                    /**
                     * Format: date-time
                     * @description When the POS says it last changed; a later time alone is no change, and is not sent.
                     */
                    updated_at?: string | null;
                };
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_Fact_StockMovement: {
            /** @description What is on it. */
            items: {
                /**
                 * Format: int32
                 * @description The version of the mapping that made it.
                 */
                mapping_version: number;
                /** @description Which POS system sent it. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it last changed here.
                 */
                received_at: string;
                /** @description A change of stock other than a sale. */
                record: {
                    /**
                     * Format: date-time
                     * @description When it happened.
                     */
                    at: string;
                    currency?: components["schemas"]["Currency"] | null;
                    /** @description Identity at the POS. */
                    id: components["schemas"]["ExternalId"];
                    /** @description Why stock changed. */
                    kind: components["schemas"]["MovementKind"];
                    location?: components["schemas"]["ExternalId"] | null;
                    /** @description Its [`Product`]. */
                    product: components["schemas"]["ExternalId"];
                    /** @description Units, positive into the location and negative out of it. */
                    quantity: string;
                    /** @description Number of the document behind it. */
                    reference?: string | null;
                    /** @description What one unit cost, before tax. */
                    unit_cost?: string | null;
                };
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_Fact_Supplier: {
            /** @description What is on it. */
            items: {
                /**
                 * Format: int32
                 * @description The version of the mapping that made it.
                 */
                mapping_version: number;
                /** @description Which POS system sent it. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it last changed here.
                 */
                received_at: string;
                /** @description Who products are bought from. */
                record: {
                    /** @description Whether it is in use. */
                    active?: boolean;
                    /** @description E-mail address, as the POS holds it. */
                    email?: string | null;
                    /** @description Identity at the POS. */
                    id: components["schemas"]["ExternalId"];
                    /** @description Registered or trade name. */
                    name: string;
                    /** @description Telephone number, as the POS holds it. */
                    phone?: string | null;
                    /** @description RIF, RFC, CUIT or RUC, as its country writes it. */
                    tax_id?: string | null;
                };
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_JobView: {
            /** @description What is on it. */
            items: {
                /**
                 * Format: date-time
                 * @description When it ended.
                 */
                completed_at?: string | null;
                /** @description What it did. */
                counts: components["schemas"]["JobCounts"];
                /**
                 * Format: double
                 * @description How long it took, seconds.
                 */
                duration?: number | null;
                error?: components["schemas"]["JobError"] | null;
                /** @description Which job. */
                id: components["schemas"]["JobId"];
                /** @description Why it runs. */
                kind: components["schemas"]["JobKind"];
                /** @description The POS system's name. */
                pos_system: string;
                /** @description Of which POS system. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When it began, by the agent's clock.
                 */
                started_at: string;
                /** @description How far it is. */
                status: components["schemas"]["JobStatus"];
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
                /** @description The store's name. */
                store_name: string;
                /** @description Of which stream. */
                stream: string;
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_PosSystemView: {
            /** @description What is on it. */
            items: {
                /** @description Whether it is in use. */
                active: boolean;
                /** @description How it is reached, secrets left out. */
                connection: unknown;
                /** @description Which connector reads it. */
                connector: string;
                /**
                 * Format: date-time
                 * @description When it was first declared.
                 */
                created_at: string;
                /** @description Which POS system. */
                id: components["schemas"]["PosSystemId"];
                /**
                 * Format: date-time
                 * @description When a job of it last completed.
                 */
                last_sync_at?: string | null;
                /** @description Name of the mapping in force. */
                mapping_name: string;
                /**
                 * Format: int32
                 * @description Its version.
                 */
                mapping_version: number;
                /** @description Its name in the agent's configuration, or of the webhook. */
                name: string;
                /** @description The store it stands in. */
                store_id: components["schemas"]["StoreId"];
                /** @description The store's name. */
                store_name: string;
                /** @description `stellar`, `systimax`, `adminpaq`, `custom`, … */
                system_type: string;
                webhook?: components["schemas"]["WebhookView"] | null;
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_ProductView: {
            /** @description What is on it. */
            items: {
                /** @description Whether any store sells it. */
                active: boolean;
                /** @description Codes that a scanner reads. */
                barcodes: string[];
                /** @description Brand name. */
                brand?: string | null;
                /** @description Category, by name. */
                category?: string | null;
                /** @description Which product. */
                id: components["schemas"]["ProductId"];
                /** @description What is printed on the ticket. */
                name: string;
                /** @description Units in all stores together. */
                on_hand: string;
                /** @description The code people and labels use. */
                sku: string;
                /** @description What each store has of it, by the store's name. */
                stores: components["schemas"]["ProductInStore"][];
                /** @description Unit of sale. */
                unit?: string | null;
                /**
                 * Format: date-time
                 * @description When anything about it last changed.
                 */
                updated_at: string;
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_RejectView: {
            /** @description What is on it. */
            items: {
                /** @description Who must act. */
                class: components["schemas"]["ErrorClass"];
                /**
                 * Format: date-time
                 * @description When it was first set aside.
                 */
                created_at: string;
                entity?: components["schemas"]["EntityKind"] | null;
                /** @description Its identity, where that much could be read. */
                external_id?: string | null;
                /** @description Which field; absent when the whole row is meant. */
                field?: string | null;
                /** @description Which reject. */
                id: components["schemas"]["RejectId"];
                /** @description Its key at the source. */
                key: string;
                /** @description A sentence a person can act on. */
                message: string;
                /** @description The POS system's name. */
                pos_system: string;
                /** @description Of which POS system. */
                pos_system_id: components["schemas"]["PosSystemId"];
                /** @description File and line, where there are such. */
                position?: string | null;
                /** @description The value that broke it, as the source has it. */
                raw?: string | null;
                /** @description The whole row as the source has it. */
                row: {
                    [key: string]: string;
                };
                /** @description The rule that was broken. */
                rule: string;
                /** @description Whether it waits for a person. */
                status: components["schemas"]["RejectStatus"];
                /** @description In which store. */
                store_id: components["schemas"]["StoreId"];
                /** @description The store's name. */
                store_name: string;
                /** @description Of which stream. */
                stream: string;
                /**
                 * Format: date-time
                 * @description When its state last changed.
                 */
                updated_at: string;
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description A page of a list. */
        Page_StoreView: {
            /** @description What is on it. */
            items: {
                /** @description Where it stands. */
                city?: string | null;
                /**
                 * Format: date-time
                 * @description When it was added.
                 */
                created_at: string;
                /** @description Which store. */
                id: components["schemas"]["StoreId"];
                /** @description Its name. */
                name: string;
            }[];
            /** @description Give this back as `cursor` for the next page; absent on the last one. */
            next_cursor?: string | null;
        };
        /** @description `PUT /v1/agents/pos-systems/{name}`: declares a POS system of this agent's store, or updates it. */
        PosSystemDeclaration: {
            /** @description How it is reached, secrets left out. */
            connection?: unknown;
            /** @description Which connector reads it. */
            connector: string;
            /** @description The mapping in force, whole. */
            mapping: unknown;
            /** @description Its name. */
            mapping_name: string;
            /**
             * Format: int32
             * @description Its version.
             */
            mapping_version: number;
            /** @description Schedules and limits. */
            settings?: unknown;
            /** @description `stellar`, `systimax`, `adminpaq`, `custom`, …: the pack's `system`. */
            system_type: string;
        };
        /**
         * Format: uuid
         * @description One POS at a store.
         */
        PosSystemId: string;
        /** @description The answer. */
        PosSystemReply: {
            /** @description Goes into the header of every delivery of this POS system. */
            id: components["schemas"]["PosSystemId"];
        };
        /** @description A POS at a store. */
        PosSystemView: {
            /** @description Whether it is in use. */
            active: boolean;
            /** @description How it is reached, secrets left out. */
            connection: unknown;
            /** @description Which connector reads it. */
            connector: string;
            /**
             * Format: date-time
             * @description When it was first declared.
             */
            created_at: string;
            /** @description Which POS system. */
            id: components["schemas"]["PosSystemId"];
            /**
             * Format: date-time
             * @description When a job of it last completed.
             */
            last_sync_at?: string | null;
            /** @description Name of the mapping in force. */
            mapping_name: string;
            /**
             * Format: int32
             * @description Its version.
             */
            mapping_version: number;
            /** @description Its name in the agent's configuration, or of the webhook. */
            name: string;
            /** @description The store it stands in. */
            store_id: components["schemas"]["StoreId"];
            /** @description The store's name. */
            store_name: string;
            /** @description `stellar`, `systimax`, `adminpaq`, `custom`, … */
            system_type: string;
            webhook?: components["schemas"]["WebhookView"] | null;
        };
        /** @description What a product costs on one price list of one POS. */
        Price: {
            /** @description Price of one unit. */
            amount: string;
            /** @description Currency of the amount. */
            currency: components["schemas"]["Currency"];
            /** @description Identity at the POS; where it keeps none, product and list joined. */
            id: components["schemas"]["ExternalId"];
            /** @description Name of the price list; `default` where there is only one. */
            list?: string;
            /** @description From which quantity it holds. */
            min_quantity?: string | null;
            /** @description Its [`Product`]. */
            product: components["schemas"]["ExternalId"];
            tax?: components["schemas"]["TaxInclusion"] | null;
            /**
             * Format: date-time
             * @description When the POS says it last changed; a later time alone is no change, and is not sent.
             */
            updated_at?: string | null;
            /**
             * Format: date-time
             * @description First moment it holds.
             */
            valid_from?: string | null;
            /**
             * Format: date-time
             * @description Last moment it holds.
             */
            valid_to?: string | null;
        };
        /** @description A price and when it held. */
        PricePoint: {
            /** @description Price of one unit. */
            amount: string;
            /** @description Its currency. */
            currency: string;
            job_id?: components["schemas"]["JobId"] | null;
            /** @description On which price list. */
            list: string;
            /**
             * Format: int32
             * @description The version of the mapping that made it.
             */
            mapping_version?: number | null;
            /** @description In which POS system. */
            pos_system_id: components["schemas"]["PosSystemId"];
            /** @description In which store. */
            store_id: components["schemas"]["StoreId"];
            /**
             * Format: date-time
             * @description Since when.
             */
            valid_from: string;
            /**
             * Format: date-time
             * @description Until when; absent for the one that holds now.
             */
            valid_to?: string | null;
        };
        /** @description The body of every answer that is not a success. */
        Problem: {
            /** @description A short, stable word to branch on and to translate by. */
            code: string;
            /** @description What happened here, and what to do about it. */
            detail: string;
            /** @description The field or parameter that is wrong, where it is one. */
            field?: string | null;
            /** @description Names this request in the server's log. */
            request_id?: string | null;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description The kind in words. */
            title: string;
            /** @description What kind of problem: `urn:fluxion:problem:` and the code. */
            type: string;
        };
        /** @description Something that is sold. */
        Product: {
            /** @description Whether it is for sale. */
            active?: boolean;
            /** @description EAN, UPC or in-house codes that a scanner reads, main one first. */
            barcodes?: string[];
            /** @description Brand name. */
            brand?: string | null;
            category?: components["schemas"]["ExternalId"] | null;
            /** @description Its category by name, where the POS keeps no category table. */
            category_name?: string | null;
            /** @description What one unit costs the store, before tax. */
            cost?: string | null;
            currency?: components["schemas"]["Currency"] | null;
            /** @description Longer text. */
            description?: string | null;
            /** @description Identity at the POS. */
            id: components["schemas"]["ExternalId"];
            /** @description What is printed on the ticket. */
            name: string;
            /** @description The code people and labels use; what stores are matched by. Leading zeros matter. */
            sku: string;
            supplier?: components["schemas"]["ExternalId"] | null;
            /** @description Its supplier by name, where the POS keeps no supplier table. */
            supplier_name?: string | null;
            /** @description Tax in percent of the price before tax: `16`. */
            tax_rate?: string | null;
            /** @description Unit of sale, as the POS writes it: `UND`, `KG`, `CAJA 12`. */
            unit?: string | null;
            /**
             * Format: date-time
             * @description When the POS says it last changed; a later time alone is no change, and is not sent.
             */
            updated_at?: string | null;
        };
        /** @description `GET /v1/products/{id}`: one product and where all of it comes from. */
        ProductDetail: {
            /** @description Longer text. */
            description?: string | null;
            /** @description Prices per list. */
            prices: components["schemas"]["ProductPrice"][];
            /** @description As in the list. */
            product: components["schemas"]["ProductView"];
            /** @description The rows of POS systems that are this product. */
            sources: components["schemas"]["ProductSource"][];
            /** @description Stock per location. */
            stock: components["schemas"]["ProductStock"][];
            /** @description Tax in percent. */
            tax_rate?: string | null;
        };
        /** @description `GET /v1/products/{id}/history`: past and present values, newest first, at most 1,000 of each. */
        ProductHistory: {
            /** @description Prices. */
            prices: components["schemas"]["PricePoint"][];
            /** @description Stock. */
            stock: components["schemas"]["StockPoint"][];
        };
        /**
         * Format: uuid
         * @description The unified product that records of many stores meet in.
         */
        ProductId: string;
        /** @description What one store has of a product. */
        ProductInStore: {
            /** @description Currency of the price. */
            currency?: string | null;
            /** @description Units in all its locations; absent when its POS keeps no stock of it. */
            on_hand?: string | null;
            /** @description Its price on the default list, or on the first by name; absent when it has none. */
            price?: string | null;
            /** @description Which store. */
            store_id: components["schemas"]["StoreId"];
            /** @description Its name. */
            store_name: string;
        };
        /** @description A price of a product. */
        ProductPrice: {
            /** @description Price of one unit. */
            amount: string;
            /** @description Its currency. */
            currency: string;
            /** @description On which price list. */
            list: string;
            /** @description From which quantity it holds. */
            min_quantity?: string | null;
            /** @description In which POS system. */
            pos_system_id: components["schemas"]["PosSystemId"];
            /** @description In which store. */
            store_id: components["schemas"]["StoreId"];
            /** @description The store's name. */
            store_name: string;
            tax?: components["schemas"]["TaxInclusion"] | null;
            /**
             * Format: date-time
             * @description When it last changed here.
             */
            updated_at: string;
        };
        /** @description A row of a POS system that is this product. */
        ProductSource: {
            /** @description Whether it is for sale there. */
            active: boolean;
            /** @description What one unit costs the store. */
            cost?: string | null;
            /** @description Currency of the cost. */
            currency?: string | null;
            /** @description Its identity there. */
            external_id: string;
            /** @description Its name there. */
            name: string;
            /** @description Its name. */
            pos_system: string;
            /** @description In which POS system. */
            pos_system_id: components["schemas"]["PosSystemId"];
            /** @description Its SKU there. */
            sku: string;
            /** @description In which store. */
            store_id: components["schemas"]["StoreId"];
            /** @description The store's name. */
            store_name: string;
            /**
             * Format: date-time
             * @description When it last changed here.
             */
            updated_at: string;
        };
        /** @description Stock of a product at one location. */
        ProductStock: {
            /** @description Identity of the location there; absent where the store has one. */
            location?: string | null;
            /** @description The location's name. */
            location_name?: string | null;
            /** @description Do not order above this. */
            maximum?: string | null;
            /** @description Reorder below this. */
            minimum?: string | null;
            /** @description Units there now. */
            on_hand: string;
            /** @description In which POS system. */
            pos_system_id: components["schemas"]["PosSystemId"];
            /** @description Units promised to somebody. */
            reserved?: string | null;
            /** @description In which store. */
            store_id: components["schemas"]["StoreId"];
            /** @description The store's name. */
            store_name: string;
            /**
             * Format: date-time
             * @description When it last changed here.
             */
            updated_at: string;
        };
        /** @description One product with what each store has of it. */
        ProductView: {
            /** @description Whether any store sells it. */
            active: boolean;
            /** @description Codes that a scanner reads. */
            barcodes: string[];
            /** @description Brand name. */
            brand?: string | null;
            /** @description Category, by name. */
            category?: string | null;
            /** @description Which product. */
            id: components["schemas"]["ProductId"];
            /** @description What is printed on the ticket. */
            name: string;
            /** @description Units in all stores together. */
            on_hand: string;
            /** @description The code people and labels use. */
            sku: string;
            /** @description What each store has of it, by the store's name. */
            stores: components["schemas"]["ProductInStore"][];
            /** @description Unit of sale. */
            unit?: string | null;
            /**
             * Format: date-time
             * @description When anything about it last changed.
             */
            updated_at: string;
        };
        /** @description What waits in a spool. */
        Queue: {
            /**
             * Format: int64
             * @description Batches.
             */
            batches: number;
            /**
             * Format: int64
             * @description Bytes.
             */
            bytes: number;
            /**
             * Format: date-time
             * @description When the oldest was made.
             */
            oldest_at?: string | null;
        };
        /**
         * Format: uuid
         * @description A row or record set aside.
         */
        RejectId: string;
        /**
         * @description Whether a reject waits for a person.
         * @enum {string}
         */
        RejectStatus: "open" | "cleared" | "dismissed";
        /** @description A row or record that could not go on, with all that is needed to understand and mend it. */
        RejectView: {
            /** @description Who must act. */
            class: components["schemas"]["ErrorClass"];
            /**
             * Format: date-time
             * @description When it was first set aside.
             */
            created_at: string;
            entity?: components["schemas"]["EntityKind"] | null;
            /** @description Its identity, where that much could be read. */
            external_id?: string | null;
            /** @description Which field; absent when the whole row is meant. */
            field?: string | null;
            /** @description Which reject. */
            id: components["schemas"]["RejectId"];
            /** @description Its key at the source. */
            key: string;
            /** @description A sentence a person can act on. */
            message: string;
            /** @description The POS system's name. */
            pos_system: string;
            /** @description Of which POS system. */
            pos_system_id: components["schemas"]["PosSystemId"];
            /** @description File and line, where there are such. */
            position?: string | null;
            /** @description The value that broke it, as the source has it. */
            raw?: string | null;
            /** @description The whole row as the source has it. */
            row: {
                [key: string]: string;
            };
            /** @description The rule that was broken. */
            rule: string;
            /** @description Whether it waits for a person. */
            status: components["schemas"]["RejectStatus"];
            /** @description In which store. */
            store_id: components["schemas"]["StoreId"];
            /** @description The store's name. */
            store_name: string;
            /** @description Of which stream. */
            stream: string;
            /**
             * Format: date-time
             * @description When its state last changed.
             */
            updated_at: string;
        };
        /** @description The agent was asked to read the row again. */
        ReplayQueued: {
            /** @description What was asked of it. */
            command: components["schemas"]["CommandId"];
        };
        /** @description `POST /v1/conflicts/{id}/resolve`. */
        Resolve: {
            /** @description Why, for whoever looks later. */
            notes?: string | null;
            /** @description How to decide it; one of the conflict's `strategies`. */
            strategy: components["schemas"]["Strategy"];
        };
        /** @description `GET /v1/agents/resume-point`: what the cloud holds of this agent, for an agent that doubts its disk. */
        ResumePoint: {
            epoch?: components["schemas"]["Epoch"] | null;
            last_seq?: components["schemas"]["BatchSeq"] | null;
        };
        /**
         * @description What a person may do. Each role may do what those before it may.
         * @enum {string}
         */
        Role: "viewer" | "operator" | "admin";
        /** @description A ticket, invoice or credit note with its lines and payments; always sent whole. */
        Sale: {
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            /** @description Who was at the till. */
            cashier?: string | null;
            /** @description Currency of every amount but a payment's own. */
            currency: components["schemas"]["Currency"];
            customer?: components["schemas"]["ExternalId"] | null;
            /** @description The name printed on it. */
            customer_name?: string | null;
            /** @description Taken off the whole document, before tax. */
            discount?: string | null;
            /** @description Units of `currency` for one US dollar (or the tenant's reference currency) that day, where two are in use. */
            exchange_rate?: string | null;
            /** @description Identity at the POS. */
            id: components["schemas"]["ExternalId"];
            /** @description Sale or return. */
            kind?: components["schemas"]["SaleKind"];
            /** @description What was sold. */
            lines?: components["schemas"]["SaleLine"][];
            location?: components["schemas"]["ExternalId"] | null;
            /** @description The number printed on it. */
            number: string;
            /** @description How it was paid. */
            payments?: components["schemas"]["SalePayment"][];
            /** @description Which till. */
            register?: string | null;
            /** @description Completed or voided. */
            status?: components["schemas"]["SaleStatus"];
            /** @description Sum of the lines before tax. */
            subtotal?: string | null;
            /** @description Tax of the whole document. */
            tax?: string | null;
            /** @description What was to be paid; negative for a return. */
            total: string;
            /**
             * Format: date-time
             * @description When the POS says it last changed; a later time alone is no change, and is not sent.
             */
            updated_at?: string | null;
        };
        /**
         * @description Which way the goods went.
         * @enum {string}
         */
        SaleKind: "sale" | "return";
        /** @description One line of a [`Sale`]. Lines are identified by their place in it, from 1. */
        SaleLine: {
            /** @description What was printed. */
            description?: string | null;
            /** @description Taken off the line. */
            discount?: string | null;
            product?: components["schemas"]["ExternalId"] | null;
            /** @description Units; negative for goods that came back. */
            quantity: string;
            /** @description Tax of the line. */
            tax?: string | null;
            /** @description Tax in percent. */
            tax_rate?: string | null;
            /** @description What the line adds to the document; absent when the POS does not store it. */
            total?: string | null;
            /** @description Price of one unit. */
            unit_price: string;
        };
        /** @description One payment of a [`Sale`]. */
        SalePayment: {
            /** @description How much, in `currency`, or in the sale's currency where that is absent. */
            amount: string;
            currency?: components["schemas"]["Currency"] | null;
            /** @description Units of the sale's currency for one unit of `currency`. */
            exchange_rate?: string | null;
            /** @description How: the POS's own word, such as `EFECTIVO` or `TDD`. */
            method: string;
            /** @description Number of the card voucher or transfer. */
            reference?: string | null;
        };
        /**
         * @description Whether a document counts.
         * @enum {string}
         */
        SaleStatus: "completed" | "voided";
        /** @description How much of a product stands at one location. */
        StockLevel: {
            /** @description Identity at the POS; where it keeps none, product and location joined. */
            id: components["schemas"]["ExternalId"];
            location?: components["schemas"]["ExternalId"] | null;
            /** @description Do not order above this. */
            maximum?: string | null;
            /** @description Reorder below this. */
            minimum?: string | null;
            /** @description Units there now; negative when more was sold than was booked in. */
            on_hand: string;
            /** @description Its [`Product`]. */
            product: components["schemas"]["ExternalId"];
            /** @description Units promised to somebody. */
            reserved?: string | null;
            /**
             * Format: date-time
             * @description When the POS says it last changed; a later time alone is no change, and is not sent.
             */
            updated_at?: string | null;
        };
        /** @description A change of stock other than a sale. */
        StockMovement: {
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            currency?: components["schemas"]["Currency"] | null;
            /** @description Identity at the POS. */
            id: components["schemas"]["ExternalId"];
            /** @description Why stock changed. */
            kind: components["schemas"]["MovementKind"];
            location?: components["schemas"]["ExternalId"] | null;
            /** @description Its [`Product`]. */
            product: components["schemas"]["ExternalId"];
            /** @description Units, positive into the location and negative out of it. */
            quantity: string;
            /** @description Number of the document behind it. */
            reference?: string | null;
            /** @description What one unit cost, before tax. */
            unit_cost?: string | null;
        };
        /** @description A quantity and when it held. */
        StockPoint: {
            job_id?: components["schemas"]["JobId"] | null;
            /** @description Identity of the location there. */
            location?: string | null;
            /**
             * Format: int32
             * @description The version of the mapping that made it.
             */
            mapping_version?: number | null;
            /** @description Units. */
            on_hand: string;
            /** @description In which POS system. */
            pos_system_id: components["schemas"]["PosSystemId"];
            /** @description In which store. */
            store_id: components["schemas"]["StoreId"];
            /**
             * Format: date-time
             * @description Since when.
             */
            valid_from: string;
            /**
             * Format: date-time
             * @description Until when; absent for the one that holds now.
             */
            valid_to?: string | null;
        };
        /** @description `GET /v1/stores/{id}`: all there is to know about a store. */
        StoreDetail: {
            /** @description Its agents, the ones heard of last first. */
            agents: components["schemas"]["AgentView"][];
            /** @description The latest twenty jobs. */
            jobs: components["schemas"]["JobView"][];
            /**
             * Format: date-time
             * @description The server's clock, to reckon ages by.
             */
            now: string;
            /** @description As in the overview. */
            overview: components["schemas"]["StoreOverview"];
            /** @description Its POS systems, by name. */
            pos_systems: components["schemas"]["PosSystemView"][];
            /** @description The latest twenty rejects that wait for a person. */
            rejects: components["schemas"]["RejectView"][];
            /** @description Streams of all its POS systems. */
            streams: components["schemas"]["StreamView"][];
        };
        /**
         * Format: uuid
         * @description A retail location.
         */
        StoreId: string;
        /** @description One store at a glance. */
        StoreOverview: {
            /** @description Where it stands. */
            city?: string | null;
            /**
             * Format: int64
             * @description Conflicts that wait for a person.
             */
            conflicts_open: number;
            /** @description Which store. */
            id: components["schemas"]["StoreId"];
            last_error?: components["schemas"]["LastError"] | null;
            /**
             * Format: date-time
             * @description When its agent was last heard of.
             */
            last_seen_at?: string | null;
            /**
             * Format: int64
             * @description How long ago that was, seconds.
             */
            last_sync_age?: number | null;
            /**
             * Format: date-time
             * @description When a job of it last completed.
             */
            last_sync_at?: string | null;
            /** @description Its name. */
            name: string;
            /** @description What waits at the store to be sent. */
            queue: components["schemas"]["Queue"];
            /**
             * Format: int64
             * @description Rejects that wait for a person.
             */
            rejects_open: number;
            /** @description How it is doing. */
            state: components["schemas"]["StoreState"];
            /** @description How many streams are how. */
            streams: components["schemas"]["StreamSummary"];
            /** @description Kinds of POS it runs, such as `systimax`. */
            systems: string[];
            update_problem?: components["schemas"]["UpdateProblem"] | null;
        };
        /**
         * @description How a store is doing.
         * @enum {string}
         */
        StoreState: "failing" | "silent" | "warning" | "syncing" | "never" | "ok";
        /** @description A retail location. */
        StoreView: {
            /** @description Where it stands. */
            city?: string | null;
            /**
             * Format: date-time
             * @description When it was added.
             */
            created_at: string;
            /** @description Which store. */
            id: components["schemas"]["StoreId"];
            /** @description Its name. */
            name: string;
        };
        /**
         * @description How a conflict is decided.
         * @enum {string}
         */
        Strategy: "pos_wins" | "cloud_wins" | "newest_wins" | "average" | "merge" | "keep_first" | "manual";
        /** @description The name of a stream within a mapping: `products`, `sales`, `existencias-deposito-2`. */
        StreamName: string;
        /**
         * @description What a stream is doing.
         * @enum {string}
         */
        StreamPhase: "idle" | "snapshot" | "following" | "retrying" | "halted" | "other";
        /** @description One stream's state. */
        StreamState: {
            /** @description The last error, until a success clears it. */
            last_error?: string | null;
            /**
             * Format: date-time
             * @description When it last read its source to the end without an error.
             */
            last_success_at?: string | null;
            /** @description What it is doing. */
            phase: components["schemas"]["StreamPhase"];
            /** @description The POS system by its name in the agent's configuration. */
            pos: string;
            /**
             * Format: int64
             * @description Rows read so far in the job under way.
             */
            rows_read?: number;
            /** @description The stream. */
            stream: components["schemas"]["StreamName"];
        };
        /** @description How many streams are how. A stream is counted once. */
        StreamSummary: {
            /**
             * Format: int64
             * @description Waiting for a person.
             */
            halted: number;
            /**
             * Format: int64
             * @description Up to date.
             */
            ok: number;
            /**
             * Format: int64
             * @description Trying again after an error.
             */
            retrying: number;
            /**
             * Format: int64
             * @description Reading everything for the first time.
             */
            syncing: number;
            /**
             * Format: int64
             * @description All of them.
             */
            total: number;
        };
        /** @description One stream of a POS system, as its agent last described it. */
        StreamView: {
            /** @description The last error, until a success clears it. */
            last_error?: string | null;
            /**
             * Format: date-time
             * @description When it last read its source to the end without an error.
             */
            last_success_at?: string | null;
            /** @description What it is doing. */
            phase: components["schemas"]["StreamPhase"];
            /** @description Its name in the agent's configuration. */
            pos_system: string;
            pos_system_id?: components["schemas"]["PosSystemId"] | null;
            /**
             * Format: int64
             * @description Rows read so far in the job under way.
             */
            rows_read: number;
            /** @description The stream. */
            stream: string;
        };
        /** @description Who products are bought from. */
        Supplier: {
            /** @description Whether it is in use. */
            active?: boolean;
            /** @description E-mail address, as the POS holds it. */
            email?: string | null;
            /** @description Identity at the POS. */
            id: components["schemas"]["ExternalId"];
            /** @description Registered or trade name. */
            name: string;
            /** @description Telephone number, as the POS holds it. */
            phone?: string | null;
            /** @description RIF, RFC, CUIT or RUC, as its country writes it. */
            tax_id?: string | null;
        };
        /**
         * @description How much to read.
         * @enum {string}
         */
        SyncMode: "incremental" | "full";
        /** @description `POST /v1/stores/{id}/sync`. An empty object asks for all that changed. */
        SyncRequest: {
            /**
             * @description What changed, or everything.
             * @default incremental
             */
            mode: components["schemas"]["SyncMode"];
            /** @default null */
            pos_system_id: components["schemas"]["PosSystemId"] | null;
            /** @default null */
            stream: components["schemas"]["StreamName"] | null;
        };
        /**
         * @description Whether an amount contains tax.
         * @enum {string}
         */
        TaxInclusion: "included" | "excluded";
        /**
         * Format: uuid
         * @description The company that owns the data.
         */
        TenantId: string;
        /** @description What the cloud offers an agent, in its answer to a heartbeat. */
        UpdateOffer: {
            /** @description The text of `release.json`. */
            manifest: string;
            /** @description The text of `release.json.minisig`. */
            signature: string;
            /** @description The version, as in `0.2.0`. */
            version: string;
        };
        /** @description An agent that went back from a newer version, or refused it. */
        UpdateProblem: {
            /**
             * Format: date-time
             * @description When it said so.
             */
            at: string;
            /** @description Whether that version is offered to nobody any more. */
            halted: boolean;
            /** @description Name of the PC. */
            machine: string;
            /** @description The version that it left or refused, and why. */
            report: components["schemas"]["UpdateReport"];
            /** @description The version that it runs. */
            version: string;
        };
        /** @description What an agent says about the version it was offered last. */
        UpdateReport: {
            /** @description What there is to say about it: a reason, or how much is there. */
            message?: string | null;
            /** @description How far it has come. */
            state: components["schemas"]["UpdateState"];
            /** @description The version it is about. */
            target: string;
        };
        /**
         * @description How far an update has come.
         * @enum {string}
         */
        UpdateState: "downloading" | "waiting" | "trying" | "installed" | "rolled_back" | "refused" | "failed" | "off" | "other";
        /**
         * Format: uuid
         * @description A person who may log in.
         */
        UserId: string;
        /** @description Where to call and how to sign. The secret is shown this once. */
        WebhookSecret: {
            /** @description Below this service's address: `/v1/webhooks/0190a000-…`. */
            path: string;
            /** @description The POS system that the webhook feeds. */
            pos_system_id: components["schemas"]["PosSystemId"];
            /**
             * Format: date-time
             * @description Until when the secret before this one is good, too.
             */
            previous_until?: string | null;
            /** @description The key to sign with: `whsec_` and base64. */
            secret: string;
            /** @description The store it stands in. */
            store_id: components["schemas"]["StoreId"];
        };
        /** @description A webhook as people see it. Nobody sees its secret. */
        WebhookView: {
            /**
             * Format: date-time
             * @description Since when calls are answered with 410.
             */
            deactivated_at?: string | null;
            /**
             * Format: int64
             * @description How many events were applied.
             */
            events: number;
            /**
             * Format: date-time
             * @description When the last one was.
             */
            last_event_at?: string | null;
            /** @description Why, in the words the sender was told. */
            last_refusal?: string | null;
            /**
             * Format: date-time
             * @description When a call was last refused.
             */
            last_refusal_at?: string | null;
            /** @description Below this service's address: `/v1/webhooks/0190a000-…`. */
            path: string;
            /**
             * Format: date-time
             * @description Until when the secret before it is good, too.
             */
            previous_until?: string | null;
            /**
             * Format: date-time
             * @description When the secret was last replaced.
             */
            rotated_at?: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    account_payments: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
                /** @description Those that changed here at or after this moment. */
                updated_since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Fact_AccountPayment"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deliver: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description zstd, at most 16 MiB; 64 MiB decompressed */
        requestBody: {
            content: {
                "application/x-ndjson": string;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ack"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OutOfOrder"];
                };
            };
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    commands: {
        parameters: {
            query?: {
                /** @description How long to hold the request open when there is nothing to do, seconds, at most 60. */
                wait_seconds?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Command"][];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    command_outcome: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["CommandId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CommandOutcome"];
            };
        };
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    enrol: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EnrolRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnrolReply"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    heartbeat: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Heartbeat"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HeartbeatReply"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    declare: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its name in the agent's configuration */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PosSystemDeclaration"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PosSystemReply"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    release_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its name in the manifest */
                file: string;
                /** @description As in `0.2.0` */
                version: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resume_point: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResumePoint"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    import: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description the file as it is, at most 4 GiB */
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CarryReport"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cash_sessions: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
                /** @description Those that changed here at or after this moment. */
                updated_since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Fact_CashSession"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    categories: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
                /** @description Those that changed here at or after this moment. */
                updated_since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Fact_Category"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    conflicts: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description Of one kind. */
                kind?: components["schemas"]["ConflictKind"];
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description In one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description In one state; open when absent. */
                status?: components["schemas"]["ConflictStatus"];
                /** @description In one store. */
                store?: components["schemas"]["StoreId"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ConflictView"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    conflict: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which conflict */
                id: components["schemas"]["ConflictId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConflictView"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resolve: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which conflict */
                id: components["schemas"]["ConflictId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Resolve"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConflictView"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    customers: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
                /** @description Those that changed here at or after this moment. */
                updated_since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Fact_Customer"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    events: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jobs: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description In one state. */
                status?: components["schemas"]["JobStatus"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
                /** @description Of one stream. */
                stream?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_JobView"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which job */
                id: components["schemas"]["JobId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobView"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    locations: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
                /** @description Those that changed here at or after this moment. */
                updated_since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Fact_Location"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    overview: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Overview"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pos_systems: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_PosSystemView"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    prices: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
                /** @description Those that changed here at or after this moment. */
                updated_since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Fact_Price"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    products: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Words that name, SKU or a barcode contain; case and accents do not matter. */
                search?: string;
                /** @description Those that one store has; stock and prices of the others are left out. */
                store?: components["schemas"]["StoreId"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ProductView"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    product: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which product */
                id: components["schemas"]["ProductId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProductDetail"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    history: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which product */
                id: components["schemas"]["ProductId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProductHistory"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rejects: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description In one state; open when absent. */
                status?: components["schemas"]["RejectStatus"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_RejectView"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    dismiss: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which reject */
                id: components["schemas"]["RejectId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RejectView"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    replay: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which reject */
                id: components["schemas"]["RejectId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReplayQueued"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sales: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
                /** @description Those that changed here at or after this moment. */
                updated_since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Fact_Sale"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sale: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The sale's identity there */
                id: string;
                /** @description Which POS system */
                pos_system: components["schemas"]["PosSystemId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Fact_Sale"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    log_in: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Login"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    log_out: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    source_products: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
                /** @description Those that changed here at or after this moment. */
                updated_since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Fact_Product"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stock_levels: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
                /** @description Those that changed here at or after this moment. */
                updated_since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Fact_StockLevel"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stock_movements: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
                /** @description Those that changed here at or after this moment. */
                updated_since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Fact_StockMovement"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stores: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_StoreView"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_store: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewStore"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StoreView"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    store: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which store */
                id: components["schemas"]["StoreId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StoreDetail"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_enrolment_code: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which store */
                id: components["schemas"]["StoreId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewEnrolmentCode"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnrolmentCode"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sync: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which store */
                id: components["schemas"]["StoreId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SyncRequest"];
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommandsQueued"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which store */
                id: components["schemas"]["StoreId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewWebhook"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookSecret"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    confirm_deletes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfirmDeletes"];
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommandsQueued"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    suppliers: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before; absent for the first page. */
                cursor?: string;
                /** @description How many items at most, 1 to 1,000. */
                limit?: number;
                /** @description Of one POS system. */
                pos_system?: components["schemas"]["PosSystemId"];
                /** @description Of one store. */
                store?: components["schemas"]["StoreId"];
                /** @description Those that changed here at or after this moment. */
                updated_since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Fact_Supplier"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    call: {
        parameters: {
            query?: never;
            header: {
                /** @description Names the event */
                "webhook-id": string;
                /** @description When this attempt was made, seconds since 1970 */
                "webhook-timestamp": number;
            };
            path: {
                /** @description As the address was handed out */
                pos_system_id: components["schemas"]["PosSystemId"];
            };
            cookie?: never;
        };
        /** @description One event, at most 1 MiB */
        requestBody: {
            content: {
                "application/json": unknown;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventAnswer"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deactivate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which webhook */
                pos_system_id: components["schemas"]["PosSystemId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rotate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Which webhook */
                pos_system_id: components["schemas"]["PosSystemId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookSecret"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
