-- count, all rows
SELECT 0 AS i, anon_1.cell AS cell, CAST(NULL AS CHAR) AS `key`, CAST(NULL AS CHAR) AS low, CAST(NULL AS CHAR) AS high, 0 AS size, CAST(count(*) AS SIGNED INTEGER) AS n, count(anon_1.w) AS m0, avg(anon_1.w - (7.5)) AS m1, var_pop(anon_1.w - (7.5)) AS m2, min(anon_1.w) AS m3, max(anon_1.w) AS m4, NULL AS m5, NULL AS m6, NULL AS m7
FROM (SELECT CASE WHEN (anon_2.v != anon_2.v) THEN 4 WHEN (anon_2.v IS NOT NULL) THEN CASE WHEN v <= 9.0e0 THEN CASE WHEN v <= 0.5e0 THEN 0 ELSE 1 END ELSE CASE WHEN v <= 1e+20 THEN 2 ELSE 3 END END END AS cell, CASE WHEN (anon_2.v >= -1e+140 AND anon_2.v <= 1e+140) THEN anon_2.v END AS w
FROM (SELECT s.flights.distance AS v
FROM s.flights
WHERE (month = %s
)) AS anon_2) AS anon_1 GROUP BY anon_1.cell UNION ALL SELECT 1 AS i, anon_3.cell AS cell, anon_3.`key` AS `key`, min(anon_3.shown) AS low, max(anon_3.shown) AS high, anon_3.size AS size, CAST(sum(anon_3.n) AS SIGNED INTEGER) AS n, sum(anon_3.s0 * anon_3.n) AS m0, sum(anon_3.s1 * anon_3.n) AS m1, sum(anon_3.s2 * anon_3.n) AS m2, sum(anon_3.s3 * anon_3.n) AS m3, sum(anon_3.s4 * anon_3.n) AS m4, sum(anon_3.s5 * anon_3.n) AS m5, sum(anon_3.s6 * anon_3.n) AS m6, sum(anon_3.s7 * anon_3.n) AS m7
FROM (SELECT anon_4.shown AS shown, anon_4.n AS n, CASE WHEN (anon_4.v IS NULL) THEN -2 WHEN (anon_4.level IS NOT NULL) THEN 1 ELSE 0 END AS cell, CASE WHEN (anon_4.v IS NULL) THEN NULL WHEN (anon_4.level IS NOT NULL) THEN anon_4.shown ELSE substr(md5(anon_4.shown), %s, %s) END AS `key`, CASE WHEN (anon_4.v IS NULL) THEN 0 ELSE CASE WHEN length <= 362.0e0 THEN CASE WHEN length <= 23.0e0 THEN CASE WHEN length <= 6.0e0 THEN CASE WHEN length <= 3.0e0 THEN CASE WHEN length <= 2.0e0 THEN CASE WHEN length <= 0.0e0 THEN 0 ELSE 1 END ELSE 2 END ELSE CASE WHEN length <= 4.0e0 THEN 3 ELSE 4 END END ELSE CASE WHEN length <= 11.0e0 THEN CASE WHEN length <= 8.0e0 THEN 5 ELSE 6 END ELSE CASE WHEN length <= 16.0e0 THEN 7 ELSE 8 END END END ELSE CASE WHEN length <= 91.0e0 THEN CASE WHEN length <= 45.0e0 THEN CASE WHEN length <= 32.0e0 THEN 9 ELSE 10 END ELSE CASE WHEN length <= 64.0e0 THEN 11 ELSE 12 END END ELSE CASE WHEN length <= 181.0e0 THEN CASE WHEN length <= 128.0e0 THEN 13 ELSE 14 END ELSE CASE WHEN length <= 256.0e0 THEN 15 ELSE 16 END END END END ELSE CASE WHEN length <= 5793.0e0 THEN CASE WHEN length <= 1448.0e0 THEN CASE WHEN length <= 724.0e0 THEN CASE WHEN length <= 512.0e0 THEN 17 ELSE 18 END ELSE CASE WHEN length <= 1024.0e0 THEN 19 ELSE 20 END END ELSE CASE WHEN length <= 2896.0e0 THEN CASE WHEN length <= 2048.0e0 THEN 21 ELSE 22 END ELSE CASE WHEN length <= 4096.0e0 THEN 23 ELSE 24 END END END ELSE CASE WHEN length <= 23170.0e0 THEN CASE WHEN length <= 11585.0e0 THEN CASE WHEN length <= 8192.0e0 THEN 25 ELSE 26 END ELSE CASE WHEN length <= 16384.0e0 THEN 27 ELSE 28 END END ELSE CASE WHEN length <= 46341.0e0 THEN CASE WHEN length <= 32768.0e0 THEN 29 ELSE 30 END ELSE CASE WHEN length <= 65536.0e0 THEN 31 ELSE 32 END END END END END END AS size, CAST(anon_4.length AS SIGNED INTEGER) AS s0, CAST(anon_4.length AS SIGNED INTEGER) * CAST(anon_4.length AS SIGNED INTEGER) AS s1, CASE WHEN (anon_4.length = %s) THEN %s ELSE %s END AS s2, CASE WHEN (trim(anon_4.v) != anon_4.v) THEN %s ELSE %s END AS s3, CASE WHEN (replace(trim(anon_4.v), %s, %s) != trim(anon_4.v)) THEN %s ELSE %s END AS s4, CASE WHEN (NOT (regexp_like(anon_4.v, %s, %s) = 1 OR regexp_like(anon_4.v, %s, %s) = 1)) THEN %s ELSE %s END AS s5, CASE WHEN (regexp_like(anon_4.v, %s, %s) = 1 AND regexp_like(anon_4.v, %s, %s) = 0) THEN %s ELSE %s END AS s6, CASE WHEN (regexp_like(anon_4.v, %s, %s) = 1 AND regexp_like(anon_4.v, %s, %s) = 0) THEN %s ELSE %s END AS s7
FROM (SELECT anon_5.v AS v, substr(anon_5.v, %s, %s) AS shown, CASE WHEN (substr(anon_5.v, %s, %s) IN (%s, %s)) THEN substr(anon_5.v, %s, %s) END AS level, anon_5.n AS n, char_length(anon_5.v) AS length
FROM (SELECT anon_6.v AS v, count(*) AS n
FROM (SELECT CAST(s.flights.carrier AS CHAR) COLLATE utf8mb4_bin AS v
FROM s.flights
WHERE (month = %s
)) AS anon_6 GROUP BY anon_6.v) AS anon_5) AS anon_4) AS anon_3 GROUP BY anon_3.cell, anon_3.`key`, anon_3.size UNION ALL SELECT 2 AS i, anon_7.cell AS cell, anon_7.`key` AS `key`, min(anon_7.shown) AS low, max(anon_7.shown) AS high, anon_7.size AS size, CAST(sum(anon_7.n) AS SIGNED INTEGER) AS n, NULL AS m0, NULL AS m1, NULL AS m2, NULL AS m3, NULL AS m4, NULL AS m5, NULL AS m6, NULL AS m7
FROM (SELECT anon_8.shown AS shown, anon_8.n AS n, CASE WHEN (anon_8.v IS NULL) THEN -2 WHEN (anon_8.level IS NOT NULL) THEN 1 ELSE 0 END AS cell, CASE WHEN (anon_8.v IS NULL) THEN NULL WHEN (anon_8.level IS NOT NULL) THEN anon_8.shown ELSE substr(md5(anon_8.shown), %s, %s) END AS `key`, 0 AS size
FROM (SELECT anon_9.v AS v, substr(anon_9.v, %s, %s) AS shown, CASE WHEN (substr(anon_9.v, %s, %s) IN (%s)) THEN substr(anon_9.v, %s, %s) END AS level, anon_9.n AS n, char_length(anon_9.v) AS length
FROM (SELECT anon_10.v AS v, count(*) AS n
FROM (SELECT CASE WHEN (s.flights.late IS true) THEN %s WHEN (s.flights.late IS false) THEN %s END AS v
FROM s.flights
WHERE (month = %s
)) AS anon_10 GROUP BY anon_10.v) AS anon_9) AS anon_8) AS anon_7 GROUP BY anon_7.cell, anon_7.`key`, anon_7.size UNION ALL SELECT 3 AS i, anon_11.cell AS cell, CAST(NULL AS CHAR) AS `key`, CAST(NULL AS CHAR) AS low, CAST(NULL AS CHAR) AS high, 0 AS size, CAST(count(*) AS SIGNED INTEGER) AS n, min(anon_11.s) AS m0, max(anon_11.s) AS m1, NULL AS m2, NULL AS m3, NULL AS m4, NULL AS m5, NULL AS m6, NULL AS m7
FROM (SELECT CASE WHEN (anon_12.v IS NULL) THEN -2 ELSE coalesce(weekday(anon_12.v) * %s + hour(anon_12.v), -1) END AS cell, timestampdiff(SECOND, '1970-01-01', anon_12.v) AS s
FROM (SELECT s.flights.left_at AS v
FROM s.flights
WHERE (month = %s
)) AS anon_12) AS anon_11 GROUP BY anon_11.cell UNION ALL SELECT 4 AS i, anon_13.cell AS cell, CAST(NULL AS CHAR) AS `key`, CAST(NULL AS CHAR) AS low, CAST(NULL AS CHAR) AS high, 0 AS size, CAST(count(*) AS SIGNED INTEGER) AS n, min(anon_13.s) AS m0, max(anon_13.s) AS m1, NULL AS m2, NULL AS m3, NULL AS m4, NULL AS m5, NULL AS m6, NULL AS m7
FROM (SELECT CASE WHEN (anon_14.v IS NULL) THEN -2 ELSE coalesce(weekday(anon_14.v) * %s + hour(anon_14.v), -1) END AS cell, timestampdiff(SECOND, '1970-01-01', anon_14.v) AS s
FROM (SELECT s.flights.seen_at AS v
FROM s.flights
WHERE (month = %s
)) AS anon_14) AS anon_13 GROUP BY anon_13.cell;

-- count, a sample
WITH sampled AS
(SELECT s.flights.distance AS distance, s.flights.carrier AS carrier, s.flights.late AS late, s.flights.left_at AS left_at, s.flights.seen_at AS seen_at
FROM s.flights
WHERE (month = %s
) AND rand() < %s)
 SELECT 0 AS i, anon_1.cell AS cell, CAST(NULL AS CHAR) AS `key`, CAST(NULL AS CHAR) AS low, CAST(NULL AS CHAR) AS high, 0 AS size, CAST(count(*) AS SIGNED INTEGER) AS n, count(anon_1.w) AS m0, avg(anon_1.w - (7.5)) AS m1, var_pop(anon_1.w - (7.5)) AS m2, min(anon_1.w) AS m3, max(anon_1.w) AS m4, NULL AS m5, NULL AS m6, NULL AS m7
FROM (SELECT CASE WHEN (anon_2.v != anon_2.v) THEN 4 WHEN (anon_2.v IS NOT NULL) THEN CASE WHEN v <= 9.0e0 THEN CASE WHEN v <= 0.5e0 THEN 0 ELSE 1 END ELSE CASE WHEN v <= 1e+20 THEN 2 ELSE 3 END END END AS cell, CASE WHEN (anon_2.v >= -1e+140 AND anon_2.v <= 1e+140) THEN anon_2.v END AS w
FROM (SELECT sampled.distance AS v
FROM sampled) AS anon_2) AS anon_1 GROUP BY anon_1.cell UNION ALL SELECT 1 AS i, anon_3.cell AS cell, anon_3.`key` AS `key`, min(anon_3.shown) AS low, max(anon_3.shown) AS high, anon_3.size AS size, CAST(sum(anon_3.n) AS SIGNED INTEGER) AS n, sum(anon_3.s0 * anon_3.n) AS m0, sum(anon_3.s1 * anon_3.n) AS m1, sum(anon_3.s2 * anon_3.n) AS m2, sum(anon_3.s3 * anon_3.n) AS m3, sum(anon_3.s4 * anon_3.n) AS m4, sum(anon_3.s5 * anon_3.n) AS m5, sum(anon_3.s6 * anon_3.n) AS m6, sum(anon_3.s7 * anon_3.n) AS m7
FROM (SELECT anon_4.shown AS shown, anon_4.n AS n, CASE WHEN (anon_4.v IS NULL) THEN -2 WHEN (anon_4.level IS NOT NULL) THEN 1 ELSE 0 END AS cell, CASE WHEN (anon_4.v IS NULL) THEN NULL WHEN (anon_4.level IS NOT NULL) THEN anon_4.shown ELSE substr(md5(anon_4.shown), %s, %s) END AS `key`, CASE WHEN (anon_4.v IS NULL) THEN 0 ELSE CASE WHEN length <= 362.0e0 THEN CASE WHEN length <= 23.0e0 THEN CASE WHEN length <= 6.0e0 THEN CASE WHEN length <= 3.0e0 THEN CASE WHEN length <= 2.0e0 THEN CASE WHEN length <= 0.0e0 THEN 0 ELSE 1 END ELSE 2 END ELSE CASE WHEN length <= 4.0e0 THEN 3 ELSE 4 END END ELSE CASE WHEN length <= 11.0e0 THEN CASE WHEN length <= 8.0e0 THEN 5 ELSE 6 END ELSE CASE WHEN length <= 16.0e0 THEN 7 ELSE 8 END END END ELSE CASE WHEN length <= 91.0e0 THEN CASE WHEN length <= 45.0e0 THEN CASE WHEN length <= 32.0e0 THEN 9 ELSE 10 END ELSE CASE WHEN length <= 64.0e0 THEN 11 ELSE 12 END END ELSE CASE WHEN length <= 181.0e0 THEN CASE WHEN length <= 128.0e0 THEN 13 ELSE 14 END ELSE CASE WHEN length <= 256.0e0 THEN 15 ELSE 16 END END END END ELSE CASE WHEN length <= 5793.0e0 THEN CASE WHEN length <= 1448.0e0 THEN CASE WHEN length <= 724.0e0 THEN CASE WHEN length <= 512.0e0 THEN 17 ELSE 18 END ELSE CASE WHEN length <= 1024.0e0 THEN 19 ELSE 20 END END ELSE CASE WHEN length <= 2896.0e0 THEN CASE WHEN length <= 2048.0e0 THEN 21 ELSE 22 END ELSE CASE WHEN length <= 4096.0e0 THEN 23 ELSE 24 END END END ELSE CASE WHEN length <= 23170.0e0 THEN CASE WHEN length <= 11585.0e0 THEN CASE WHEN length <= 8192.0e0 THEN 25 ELSE 26 END ELSE CASE WHEN length <= 16384.0e0 THEN 27 ELSE 28 END END ELSE CASE WHEN length <= 46341.0e0 THEN CASE WHEN length <= 32768.0e0 THEN 29 ELSE 30 END ELSE CASE WHEN length <= 65536.0e0 THEN 31 ELSE 32 END END END END END END AS size, CAST(anon_4.length AS SIGNED INTEGER) AS s0, CAST(anon_4.length AS SIGNED INTEGER) * CAST(anon_4.length AS SIGNED INTEGER) AS s1, CASE WHEN (anon_4.length = %s) THEN %s ELSE %s END AS s2, CASE WHEN (trim(anon_4.v) != anon_4.v) THEN %s ELSE %s END AS s3, CASE WHEN (replace(trim(anon_4.v), %s, %s) != trim(anon_4.v)) THEN %s ELSE %s END AS s4, CASE WHEN (NOT (regexp_like(anon_4.v, %s, %s) = 1 OR regexp_like(anon_4.v, %s, %s) = 1)) THEN %s ELSE %s END AS s5, CASE WHEN (regexp_like(anon_4.v, %s, %s) = 1 AND regexp_like(anon_4.v, %s, %s) = 0) THEN %s ELSE %s END AS s6, CASE WHEN (regexp_like(anon_4.v, %s, %s) = 1 AND regexp_like(anon_4.v, %s, %s) = 0) THEN %s ELSE %s END AS s7
FROM (SELECT anon_5.v AS v, substr(anon_5.v, %s, %s) AS shown, CASE WHEN (substr(anon_5.v, %s, %s) IN (%s, %s)) THEN substr(anon_5.v, %s, %s) END AS level, anon_5.n AS n, char_length(anon_5.v) AS length
FROM (SELECT anon_6.v AS v, count(*) AS n
FROM (SELECT CAST(sampled.carrier AS CHAR) COLLATE utf8mb4_bin AS v
FROM sampled) AS anon_6 GROUP BY anon_6.v) AS anon_5) AS anon_4) AS anon_3 GROUP BY anon_3.cell, anon_3.`key`, anon_3.size UNION ALL SELECT 2 AS i, anon_7.cell AS cell, anon_7.`key` AS `key`, min(anon_7.shown) AS low, max(anon_7.shown) AS high, anon_7.size AS size, CAST(sum(anon_7.n) AS SIGNED INTEGER) AS n, NULL AS m0, NULL AS m1, NULL AS m2, NULL AS m3, NULL AS m4, NULL AS m5, NULL AS m6, NULL AS m7
FROM (SELECT anon_8.shown AS shown, anon_8.n AS n, CASE WHEN (anon_8.v IS NULL) THEN -2 WHEN (anon_8.level IS NOT NULL) THEN 1 ELSE 0 END AS cell, CASE WHEN (anon_8.v IS NULL) THEN NULL WHEN (anon_8.level IS NOT NULL) THEN anon_8.shown ELSE substr(md5(anon_8.shown), %s, %s) END AS `key`, 0 AS size
FROM (SELECT anon_9.v AS v, substr(anon_9.v, %s, %s) AS shown, CASE WHEN (substr(anon_9.v, %s, %s) IN (%s)) THEN substr(anon_9.v, %s, %s) END AS level, anon_9.n AS n, char_length(anon_9.v) AS length
FROM (SELECT anon_10.v AS v, count(*) AS n
FROM (SELECT CASE WHEN (sampled.late IS true) THEN %s WHEN (sampled.late IS false) THEN %s END AS v
FROM sampled) AS anon_10 GROUP BY anon_10.v) AS anon_9) AS anon_8) AS anon_7 GROUP BY anon_7.cell, anon_7.`key`, anon_7.size UNION ALL SELECT 3 AS i, anon_11.cell AS cell, CAST(NULL AS CHAR) AS `key`, CAST(NULL AS CHAR) AS low, CAST(NULL AS CHAR) AS high, 0 AS size, CAST(count(*) AS SIGNED INTEGER) AS n, min(anon_11.s) AS m0, max(anon_11.s) AS m1, NULL AS m2, NULL AS m3, NULL AS m4, NULL AS m5, NULL AS m6, NULL AS m7
FROM (SELECT CASE WHEN (anon_12.v IS NULL) THEN -2 ELSE coalesce(weekday(anon_12.v) * %s + hour(anon_12.v), -1) END AS cell, timestampdiff(SECOND, '1970-01-01', anon_12.v) AS s
FROM (SELECT sampled.left_at AS v
FROM sampled) AS anon_12) AS anon_11 GROUP BY anon_11.cell UNION ALL SELECT 4 AS i, anon_13.cell AS cell, CAST(NULL AS CHAR) AS `key`, CAST(NULL AS CHAR) AS low, CAST(NULL AS CHAR) AS high, 0 AS size, CAST(count(*) AS SIGNED INTEGER) AS n, min(anon_13.s) AS m0, max(anon_13.s) AS m1, NULL AS m2, NULL AS m3, NULL AS m4, NULL AS m5, NULL AS m6, NULL AS m7
FROM (SELECT CASE WHEN (anon_14.v IS NULL) THEN -2 ELSE coalesce(weekday(anon_14.v) * %s + hour(anon_14.v), -1) END AS cell, timestampdiff(SECOND, '1970-01-01', anon_14.v) AS s
FROM (SELECT sampled.seen_at AS v
FROM sampled) AS anon_14) AS anon_13 GROUP BY anon_13.cell;

-- levels
WITH values_0 AS
(SELECT anon_1.v AS v, count(*) AS n
FROM (SELECT substr(anon_2.v, %s, %s) AS v
FROM (SELECT CAST(s.flights.carrier AS CHAR) COLLATE utf8mb4_bin AS v
FROM s.flights
WHERE (month = %s
) AND rand() < %s) AS anon_2) AS anon_1
WHERE anon_1.v IS NOT NULL GROUP BY anon_1.v)
 SELECT 0 AS i, CAST(NULL AS CHAR) AS v, values_0.n, count(*) AS `values`
FROM values_0 GROUP BY values_0.n UNION ALL SELECT 0 AS i, anon_3.v, anon_3.n, 1
FROM (SELECT values_0.v AS v, values_0.n AS n
FROM values_0 ORDER BY values_0.n DESC, values_0.v
 LIMIT %s) AS anon_3;

-- tiles
SELECT 0 AS i, anon_1.tile AS tile, min(anon_1.x) AS low, max(anon_1.x) AS high, count(*) AS n, sum(anon_1.x) AS total
FROM (SELECT anon_2.v AS x, ntile(1024) OVER (ORDER BY anon_2.v) AS tile
FROM (SELECT s.flights.distance AS v
FROM s.flights
WHERE (month = %s
) AND rand() < %s) AS anon_2
WHERE anon_2.v >= -1e+140 AND anon_2.v <= 1e+140) AS anon_1 GROUP BY anon_1.tile;

-- clusters
SELECT count(*) AS clusters, sum(anon_1.n) AS n, sum(anon_1.n * anon_1.n) AS nn, sum(anon_1.m0) AS m0, sum(anon_1.m0 * anon_1.m0) AS mm0, sum(anon_1.n * anon_1.m0) AS nm0, sum(anon_1.t0_0) AS t0_0, sum(anon_1.t0_0 * anon_1.t0_0) AS tt0_0, sum(anon_1.t0_0 * anon_1.m0) AS tm0_0, sum(anon_1.t0_1) AS t0_1, sum(anon_1.t0_1 * anon_1.t0_1) AS tt0_1, sum(anon_1.t0_1 * anon_1.m0) AS tm0_1, sum(anon_1.t0_2) AS t0_2, sum(anon_1.t0_2 * anon_1.t0_2) AS tt0_2, sum(anon_1.t0_2 * anon_1.m0) AS tm0_2, sum(anon_1.m1) AS m1, sum(anon_1.m1 * anon_1.m1) AS mm1, sum(anon_1.n * anon_1.m1) AS nm1, sum(anon_1.t1_0) AS t1_0, sum(anon_1.t1_0 * anon_1.t1_0) AS tt1_0, sum(anon_1.t1_0 * anon_1.m1) AS tm1_0, sum(anon_1.t1_1) AS t1_1, sum(anon_1.t1_1 * anon_1.t1_1) AS tt1_1, sum(anon_1.t1_1 * anon_1.m1) AS tm1_1, sum(anon_1.m2) AS m2, sum(anon_1.m2 * anon_1.m2) AS mm2, sum(anon_1.n * anon_1.m2) AS nm2, sum(anon_1.t2_0) AS t2_0, sum(anon_1.t2_0 * anon_1.t2_0) AS tt2_0, sum(anon_1.t2_0 * anon_1.m2) AS tm2_0, sum(anon_1.m3) AS m3, sum(anon_1.m3 * anon_1.m3) AS mm3, sum(anon_1.n * anon_1.m3) AS nm3, sum(anon_1.t3_0) AS t3_0, sum(anon_1.t3_0 * anon_1.t3_0) AS tt3_0, sum(anon_1.t3_0 * anon_1.m3) AS tm3_0, sum(anon_1.t3_1) AS t3_1, sum(anon_1.t3_1 * anon_1.t3_1) AS tt3_1, sum(anon_1.t3_1 * anon_1.m3) AS tm3_1, sum(anon_1.t3_2) AS t3_2, sum(anon_1.t3_2 * anon_1.t3_2) AS tt3_2, sum(anon_1.t3_2 * anon_1.m3) AS tm3_2, sum(anon_1.m4) AS m4, sum(anon_1.m4 * anon_1.m4) AS mm4, sum(anon_1.n * anon_1.m4) AS nm4, sum(anon_1.t4_0) AS t4_0, sum(anon_1.t4_0 * anon_1.t4_0) AS tt4_0, sum(anon_1.t4_0 * anon_1.m4) AS tm4_0, sum(anon_1.t4_1) AS t4_1, sum(anon_1.t4_1 * anon_1.t4_1) AS tt4_1, sum(anon_1.t4_1 * anon_1.m4) AS tm4_1, sum(anon_1.t4_2) AS t4_2, sum(anon_1.t4_2 * anon_1.t4_2) AS tt4_2, sum(anon_1.t4_2 * anon_1.m4) AS tm4_2
FROM (SELECT count(*) AS n, sum(CASE WHEN (anon_2.v0 IS NOT NULL AND anon_2.v0 = anon_2.v0) THEN %s ELSE %s END) AS m0, sum(CASE WHEN (anon_2.v0 IS NOT NULL AND anon_2.v0 = anon_2.v0 AND anon_2.v0 >= (-1e+140) AND anon_2.v0 <= (1e+140) AND (anon_2.v0 - (7.5) > (1e-140) OR anon_2.v0 - (7.5) < (-1e-140))) THEN anon_2.v0 - (7.5) ELSE %s END) AS t0_0, sum(CASE WHEN (anon_2.v0 IS NOT NULL AND anon_2.v0 = anon_2.v0 AND anon_2.v0 <= (9.0)) THEN %s ELSE %s END) AS t0_1, sum(CASE WHEN (anon_2.v0 IS NOT NULL AND anon_2.v0 = anon_2.v0 AND anon_2.v0 <= (1e+20)) THEN %s ELSE %s END) AS t0_2, sum(CASE WHEN (anon_2.v1 IS NOT NULL) THEN %s ELSE %s END) AS m1, sum(CASE WHEN (anon_2.v1 IS NOT NULL AND substr(anon_2.v1, %s, %s) = %s) THEN %s ELSE %s END) AS t1_0, sum(CASE WHEN (anon_2.v1 IS NOT NULL AND substr(anon_2.v1, %s, %s) = %s) THEN %s ELSE %s END) AS t1_1, sum(CASE WHEN (anon_2.v2 IS NOT NULL) THEN %s ELSE %s END) AS m2, sum(CASE WHEN (anon_2.v2 IS NOT NULL AND substr(anon_2.v2, %s, %s) = %s) THEN %s ELSE %s END) AS t2_0, sum(CASE WHEN (anon_2.v3 IS NOT NULL) THEN %s ELSE %s END) AS m3, sum(CASE WHEN (anon_2.v3 IS NOT NULL AND weekday(anon_2.v3) * %s + hour(anon_2.v3) < %s) THEN %s ELSE %s END) AS t3_0, sum(CASE WHEN (anon_2.v3 IS NOT NULL AND weekday(anon_2.v3) * %s + hour(anon_2.v3) < %s) THEN %s ELSE %s END) AS t3_1, sum(CASE WHEN (anon_2.v3 IS NOT NULL AND weekday(anon_2.v3) * %s + hour(anon_2.v3) < %s) THEN %s ELSE %s END) AS t3_2, sum(CASE WHEN (anon_2.v4 IS NOT NULL) THEN %s ELSE %s END) AS m4, sum(CASE WHEN (anon_2.v4 IS NOT NULL AND weekday(anon_2.v4) * %s + hour(anon_2.v4) < %s) THEN %s ELSE %s END) AS t4_0, sum(CASE WHEN (anon_2.v4 IS NOT NULL AND weekday(anon_2.v4) * %s + hour(anon_2.v4) < %s) THEN %s ELSE %s END) AS t4_1, sum(CASE WHEN (anon_2.v4 IS NOT NULL AND weekday(anon_2.v4) * %s + hour(anon_2.v4) < %s) THEN %s ELSE %s END) AS t4_2
FROM (SELECT anon_3.carrier AS g, anon_3.distance AS v0, CAST(anon_3.carrier AS CHAR) COLLATE utf8mb4_bin AS v1, CASE WHEN (anon_3.late IS true) THEN %s WHEN (anon_3.late IS false) THEN %s END AS v2, anon_3.left_at AS v3, anon_3.seen_at AS v4
FROM (SELECT s.flights.carrier AS carrier, s.flights.distance AS distance, s.flights.late AS late, s.flights.left_at AS left_at, s.flights.seen_at AS seen_at
FROM s.flights
WHERE (month = %s
)) AS anon_3) AS anon_2 GROUP BY anon_2.g) AS anon_1;
