-- Takes away the outbox of Fluxion Sync.
DROP TRIGGER [dbo].[fluxion_dbo_ma_pagos]
GO
IF OBJECT_ID(N'dbo.fluxion_outbox', N'U') IS NOT NULL DROP TABLE dbo.fluxion_outbox
GO
;

