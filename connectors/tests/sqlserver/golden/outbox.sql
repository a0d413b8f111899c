SELECT TOP (0) p.c_Codigo, p.n_CostoAct, p.c_Descri, p.c_Observacio, p.c_FileImagen, p.n_Precio1 FROM dbo.MA_PRODUCTOS AS p LEFT JOIN dbo.MA_DEPOPROD AS d ON d.c_codarticulo = p.c_Codigo AND d.c_coddeposito = @P1 WHERE (p.n_Activo = 1);

SELECT MAX(CAST(seq AS bigint)) FROM dbo.fluxion_outbox WHERE seq < MIN_ACTIVE_ROWVERSION();

SELECT TOP (@P1) CAST(seq AS bigint), at, source, op, k1, k2, k3, k4 FROM dbo.fluxion_outbox WHERE seq < MIN_ACTIVE_ROWVERSION() AND (seq >= CAST(@P2 AS binary(8))) ORDER BY seq;

SELECT COUNT(*) FROM dbo.MA_PRODUCTOS AS p LEFT JOIN dbo.MA_DEPOPROD AS d ON d.c_codarticulo = p.c_Codigo AND d.c_coddeposito = @P1 WHERE (p.n_Activo = 1);

SELECT TOP (@P1) p.c_Codigo, CAST(p.n_CostoAct AS decimal(19,4)), p.c_Descri, CAST(p.c_Observacio AS nvarchar(max)), CAST(p.c_FileImagen AS varbinary(max)), p.n_Precio1 FROM dbo.MA_PRODUCTOS AS p LEFT JOIN dbo.MA_DEPOPROD AS d ON d.c_codarticulo = p.c_Codigo AND d.c_coddeposito = @P2 WHERE (p.n_Activo = 1) ORDER BY p.c_Codigo;

SELECT TOP (1) 1, CAST(SQL_VARIANT_PROPERTY(p.c_Codigo, 'BaseType') AS nvarchar(128)), CAST(SQL_VARIANT_PROPERTY(p.c_Codigo, 'Collation') AS nvarchar(128)) FROM dbo.MA_PRODUCTOS AS p LEFT JOIN dbo.MA_DEPOPROD AS d ON d.c_codarticulo = p.c_Codigo AND d.c_coddeposito = @P1 WHERE (p.n_Activo = 1) AND p.c_Codigo IS NOT NULL;

SELECT CASE WHEN @P1 COLLATE Modern_Spanish_CI_AS = @P2 COLLATE Modern_Spanish_CI_AS THEN 1 ELSE 0 END;

SELECT TOP (@P1) p.c_Codigo, CAST(p.n_CostoAct AS decimal(19,4)), p.c_Descri, CAST(p.c_Observacio AS nvarchar(max)), CAST(p.c_FileImagen AS varbinary(max)), p.n_Precio1 FROM dbo.MA_PRODUCTOS AS p LEFT JOIN dbo.MA_DEPOPROD AS d ON d.c_codarticulo = p.c_Codigo AND d.c_coddeposito = @P2 WHERE (p.n_Activo = 1) AND (p.c_Codigo > @P3 COLLATE Modern_Spanish_CI_AS) ORDER BY p.c_Codigo;

SELECT TOP (@P1) CAST(seq AS bigint), at, source, op, k1, k2, k3, k4 FROM dbo.fluxion_outbox WHERE seq < MIN_ACTIVE_ROWVERSION() AND (seq >= CAST(@P2 AS binary(8))) ORDER BY seq;

SELECT p.c_Codigo, CAST(p.n_CostoAct AS decimal(19,4)), p.c_Descri, CAST(p.c_Observacio AS nvarchar(max)), CAST(p.c_FileImagen AS varbinary(max)), p.n_Precio1 FROM dbo.MA_PRODUCTOS AS p LEFT JOIN dbo.MA_DEPOPROD AS d ON d.c_codarticulo = p.c_Codigo AND d.c_coddeposito = @P1 WHERE (p.n_Activo = 1) AND p.c_Codigo IN (@P2 COLLATE Modern_Spanish_CI_AS);

SELECT TOP (@P1) CAST(seq AS bigint), at, source, op, k1, k2, k3, k4 FROM dbo.fluxion_outbox WHERE seq < MIN_ACTIVE_ROWVERSION() AND (seq >= CAST(@P2 AS binary(8))) ORDER BY seq;

SELECT p.c_Codigo, CAST(p.n_CostoAct AS decimal(19,4)), p.c_Descri, CAST(p.c_Observacio AS nvarchar(max)), CAST(p.c_FileImagen AS varbinary(max)), p.n_Precio1 FROM dbo.MA_PRODUCTOS AS p LEFT JOIN dbo.MA_DEPOPROD AS d ON d.c_codarticulo = p.c_Codigo AND d.c_coddeposito = @P1 WHERE (p.n_Activo = 1) AND p.c_Codigo IN (@P2 COLLATE Modern_Spanish_CI_AS);

SELECT TOP (@P1) CAST(seq AS bigint), at, source, op, k1, k2, k3, k4 FROM dbo.fluxion_outbox WHERE seq < MIN_ACTIVE_ROWVERSION() AND (seq >= CAST(@P2 AS binary(8))) ORDER BY seq;

SELECT TOP (@P1) CAST(seq AS bigint), at, source, op, k1, k2, k3, k4 FROM dbo.fluxion_outbox WHERE seq < MIN_ACTIVE_ROWVERSION() AND (seq >= CAST(@P2 AS binary(8))) ORDER BY seq;

WITH oldest AS (SELECT TOP (500) seq, at FROM dbo.fluxion_outbox WITH (ROWLOCK) WHERE op <> N'x' AND seq < CAST(@P1 AS binary(8)) ORDER BY seq) DELETE FROM oldest WHERE at < DATEADD(day, -3, SYSUTCDATETIME());

