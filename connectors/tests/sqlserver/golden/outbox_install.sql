-- The outbox of Fluxion Sync: a small table, and triggers that note in it which rows changed.
-- They change no table of the POS, run as a part of the cashier's own statement, wait for a second at most, and swallow
-- their own errors. Nothing here starts a program or uses the network.
-- One thing to know: SQL Server refuses OUTPUT without INTO on a table that has a trigger, whatever the trigger does
-- (error 334). Ring up a sale after installing. To take it away: fluxion-agent outbox remove
IF OBJECT_ID(N'dbo.fluxion_outbox', N'U') IS NULL CREATE TABLE dbo.fluxion_outbox (
  seq rowversion NOT NULL CONSTRAINT PK_fluxion_outbox PRIMARY KEY CLUSTERED,
  at datetime2(3) NOT NULL,
  source nvarchar(190) NOT NULL,
  op nchar(1) NOT NULL,
  k1 nvarchar(450) COLLATE Latin1_General_BIN2 NULL,
  k2 nvarchar(450) COLLATE Latin1_General_BIN2 NULL,
  k3 nvarchar(450) COLLATE Latin1_General_BIN2 NULL,
  k4 nvarchar(450) COLLATE Latin1_General_BIN2 NULL
)
GO
ALTER TABLE dbo.fluxion_outbox SET (LOCK_ESCALATION = DISABLE)
GO
GRANT INSERT ON dbo.fluxion_outbox TO public
GO
IF OBJECT_ID(N'[dbo].[fluxion_dbo_ma_pagos]', N'TR') IS NOT NULL DROP TRIGGER [dbo].[fluxion_dbo_ma_pagos]
GO
CREATE TRIGGER [dbo].[fluxion_dbo_ma_pagos] ON [dbo].[MA_PAGOS] AFTER INSERT, UPDATE, DELETE AS
BEGIN
  SET NOCOUNT ON;
  SET XACT_ABORT OFF;
  SET LOCK_TIMEOUT 1000;
  IF OBJECT_ID(N'dbo.fluxion_outbox', N'U') IS NULL RETURN;
  BEGIN TRY
    INSERT INTO dbo.fluxion_outbox (at, source, op, k1, k2)
    SELECT SYSUTCDATETIME(), N'dbo.MA_PAGOS(c_Numero,c_Caja)', CASE WHEN NOT EXISTS (SELECT 1 FROM deleted) THEN N'i' WHEN NOT EXISTS (SELECT 1 FROM inserted) THEN N'd' ELSE N'u' END, k1, k2
    FROM (SELECT CONVERT(nvarchar(450), r.[c_Numero]) COLLATE Latin1_General_BIN2 AS k1, CONVERT(nvarchar(450), r.[c_Caja]) COLLATE Latin1_General_BIN2 AS k2 FROM inserted AS r UNION SELECT CONVERT(nvarchar(450), r.[c_Numero]) COLLATE Latin1_General_BIN2 AS k1, CONVERT(nvarchar(450), r.[c_Caja]) COLLATE Latin1_General_BIN2 AS k2 FROM deleted AS r) AS changed;
    INSERT INTO dbo.fluxion_outbox (at, source, op, k1)
    SELECT SYSUTCDATETIME(), N'dbo.MA_PAGOS(ID)', CASE WHEN NOT EXISTS (SELECT 1 FROM deleted) THEN N'i' WHEN NOT EXISTS (SELECT 1 FROM inserted) THEN N'd' ELSE N'u' END, k1
    FROM (SELECT CONVERT(nvarchar(60), r.[ID]) COLLATE Latin1_General_BIN2 AS k1 FROM inserted AS r UNION SELECT CONVERT(nvarchar(60), r.[ID]) COLLATE Latin1_General_BIN2 AS k1 FROM deleted AS r) AS changed;
  END TRY
  BEGIN CATCH
    RETURN;
  END CATCH;
END
GO
INSERT INTO dbo.fluxion_outbox (at, source, op) VALUES (SYSUTCDATETIME(), N'dbo.MA_PAGOS(c_Numero,c_Caja)', N'x')
GO
INSERT INTO dbo.fluxion_outbox (at, source, op) VALUES (SYSUTCDATETIME(), N'dbo.MA_PAGOS(ID)', N'x')
GO
INSERT INTO dbo.fluxion_outbox (at, source, op) VALUES (SYSUTCDATETIME(), N'', N'a')
GO
GRANT SELECT, DELETE ON dbo.fluxion_outbox TO [agent]
GO
GRANT VIEW DEFINITION ON [dbo].[MA_PAGOS] TO [agent]
GO
;

