-- summary: What the shop writes down, as it is written: 1,500 notes, and where in each what is meant stands.
--
-- A note is a template filled with the words of its system. Then it is spoilt as by hand: abbreviated, in
-- lower case, with letters swapped or lost, or a wrong character of the same sound. Every failure has a
-- note, many have an earlier one about a first sign, services have theirs, and the rest are everyday
-- complaints. Some notes say nothing about the cause, words are shared (a leak may be oil or coolant).
--
-- Words that fill a template carry a mark of their label until the end, <s:Grinding noise>, so that a span
-- is where its words are, whatever was done to them. The last file drops this helper.

CREATE OR REPLACE MACRO plant_marked(label, words) AS '<' || label || ':' || words || '>';

CREATE OR REPLACE TABLE plant_notes AS
WITH everyday AS (
  SELECT machine_id, kind, ts + to_minutes(floor(60 * plant_uniform(key, 'minute'))::INTEGER) AS opened, key
  FROM plant_hours
  WHERE load_pct > 0
),
-- What goes wrong every day, by the kind of machine.
troubles(kind, troubles) AS (
  VALUES
    ('press', ['bearing', 'hydraulic', 'hydraulic', 'electrical', 'tooling', 'tooling', 'cooling',
      'controls']),
    ('mill', ['bearing', 'hydraulic', 'electrical', 'tooling', 'tooling', 'cooling', 'controls', 'controls']),
    ('oven', ['bearing', 'electrical', 'electrical', 'cooling', 'controls', 'controls']),
    ('robot', ['bearing', 'electrical', 'tooling', 'controls', 'controls'])
),
-- Why each note was written. The key decides on the part, so that a note agrees with its repair.
reasons AS (
  SELECT
    machine_id,
    stopped + to_minutes(2 + floor(25 * plant_uniform(key, 'call'))::INTEGER) AS opened,
    mode AS system,
    CASE WHEN serviced THEN 'service' ELSE 'failure' END AS reason,
    key AS part_key,
    0 AS rank
  FROM plant_stops
  UNION ALL
  SELECT
    machine_id,
    stopped - to_minutes(floor(60 * (4 + 56 * plant_uniform(key, 'seen')))::INTEGER) AS opened,
    mode,
    'first sign',
    key,
    0
  FROM plant_stops
  WHERE NOT serviced AND plant_chance(key, 'noticed', 0.4)
  UNION ALL
  SELECT
    machine_id,
    opened,
    plant_choice(key, 'trouble', troubles),
    'complaint',
    key,
    plant_uniform(key, 'written')
  FROM everyday
  JOIN troubles USING (kind)
),
written AS (
  SELECT
    * REPLACE (date_trunc('minute', opened) AS opened),
    hash(machine_id, opened, reason) AS key,
    row_number() OVER (ORDER BY opened, machine_id, reason) AS no
  FROM (
    FROM reasons
    WHERE opened >= plant_start() AND opened < plant_now()
    ORDER BY rank, opened, machine_id, reason
    LIMIT 1500
  )
),
words AS (
  SELECT
    no,
    machine_id,
    opened,
    reason,
    key,
    written.system,
    plant_choice(key, 'language', ['en', 'en', 'en', 'en', 'en', 'en', 'en', 'zh', 'zh', 'mixed'])
      AS language,
    plant_uniform(key, 'template') AS template,
    plant_marked('s', plant_choice(key, 'sign', if(language = 'en', signs, signs_zh))) AS sign,
    plant_marked('c', plant_choice(key, 'cause', if(language = 'en', causes, causes_zh))) AS cause,
    plant_marked('a', plant_choice(key, 'action', if(language = 'en', actions, actions_zh))) AS action,
    plant_marked('p', plant_choice(part_key, 'part', if(language = 'zh', parts_zh, parts))) AS part,
    plant_marked('m', machine_id) AS machine
  FROM written
  JOIN machines USING (machine_id)
  JOIN plant_words AS vocabulary ON vocabulary.system = written.system AND list_contains(kinds, kind)
),
drafts AS (
  SELECT
    *,
    plant_choice(
      key, 'result', ['', ' Test run ok.', ' Running again.', ' Back to normal.', ' To be watched.']
    ) AS result,
    plant_choice(key, 'result', ['', '，试机正常', '，恢复生产', '，已正常', '，继续观察']) AS result_zh,
    CASE
      WHEN language = 'en' AND reason = 'service' THEN
        CASE WHEN template < 0.5
          THEN format('Planned service of {}. {} {}.{}', machine, action, part, result)
          ELSE format('PM done, {} {}, no findings', lower(action), part)
        END
      WHEN reason = 'service' THEN
        CASE WHEN template < 0.5
          THEN format('{}计划保养，{}{}{}', machine, action, part, result_zh)
          ELSE format('定期保养，{}{}', action, part)
        END
      WHEN language = 'en' AND template < 0.07 THEN
        plant_choice(key, 'vague', ['Machine stopped, reset, ok', 'Alarm on the panel, restarted',
          'Operator called, no fault found', 'Stopped twice on night shift, please check',
          'Repaired as last time'])
      WHEN template < 0.07 THEN
        plant_choice(key, 'vague', ['停机，复位后正常', '报警，重启后恢复', '操作工报修，未发现故障',
          '夜班停了两次，请检查', '按上次方法处理'])
      WHEN language = 'en' AND reason IN ('first sign', 'complaint') AND template < 0.4 THEN
        CASE WHEN template < 0.25
          THEN format('{} on {}, still running, please check', sign, machine)
          ELSE format('Operator reports: {}. {}?', lower(sign), cause)
        END
      WHEN reason IN ('first sign', 'complaint') AND template < 0.4 THEN
        CASE WHEN template < 0.25
          THEN format('{}{}，还能运行，请检查{}', machine, sign, part)
          ELSE format('操作工反映{}，可能{}', sign, cause)
        END
      WHEN language = 'en' THEN
        CASE
          WHEN template < 0.60
            THEN format('{} on {}: {}. {} {}.{}', sign, machine, cause, action, part, result)
          WHEN template < 0.80 THEN format('{}, {}. {} {}.{}', sign, cause, action, part, result)
          ELSE format('{} {} because of {}.{}', action, part, cause, result)
        END
      WHEN template < 0.60 THEN format('{}{}，{}，{}{}{}', machine, sign, cause, action, part, result_zh)
      WHEN template < 0.80 THEN format('{}，检查发现{}，{}{}', sign, cause, action, part)
      ELSE format('因{}{}{}{}', cause, action, part, result_zh)
    END AS draft
  FROM words
),
-- In a hurry: the shop's abbreviations, and no capitals.
abbreviated AS (
  SELECT
    * EXCLUDE (draft),
    CASE WHEN plant_chance(key, 'lower case', 0.3) AND language = 'en' THEN lower(draft) ELSE draft END
      AS plain,
    CASE WHEN plant_chance(key, 'abbreviate', 0.4)
      THEN list_reduce(
        [
          {'long': 'Machine', 'short': 'M/C'}, {'long': 'machine', 'short': 'm/c'},
          {'long': 'Replaced', 'short': 'Repl.'}, {'long': 'replaced', 'short': 'repl.'},
          {'long': 'emperature', 'short': 'emp'}, {'long': 'ressure', 'short': 'ress.'},
          {'long': 'ibration', 'short': 'ib'}, {'long': 'ydraulic', 'short': 'yd'},
          {'long': 'perator', 'short': 'p'}, {'long': 'please', 'short': 'pls'},
          {'long': 'earing', 'short': 'rg'}, {'long': 'because of', 'short': 'b/c'},
          {'long': '检查发现', 'short': '查'}, {'long': '操作工', 'short': '操'}, {'long': '恢复生产', 'short': 'OK'}
        ],
        lambda text, pair: {'long': '', 'short': replace(text.short, pair.long, pair.short)},
        {'long': '', 'short': plain}
      ).short
      ELSE plain
    END AS brief
  FROM drafts
),
-- Marks and what is between them, and where each ends once the marks are gone.
pieces AS (
  SELECT
    * REPLACE (regexp_replace(brief, '<.:|>', '', 'g') AS brief),
    regexp_extract_all(abbreviated.brief, '<[^>]*>|[^<]+') AS pieces,
    list_transform(pieces, lambda piece: length(regexp_replace(piece, '<.:|>', '', 'g'))) AS sizes,
    list_transform(sizes, lambda size, i: list_sum(sizes[:i])::BIGINT) AS stops
  FROM abbreviated
),
-- Slips of the hand: two letters swapped, a letter lost, a Chinese character taken for one of its sound.
slips AS (
  SELECT
    *,
    2 + floor(plant_uniform(key, 'slip at') * (length(brief) - 4))::INTEGER AS place,
    plant_uniform(key, 'slip') AS slip,
    regexp_matches(brief[place:place + 1], '^[a-z]{2}$') AS letters,
    slip BETWEEN 0.15 AND 0.30 AND letters AS lost
  FROM pieces
)
SELECT
  no,
  machine_id,
  opened,
  reason,
  key,
  system,
  CASE
    WHEN slip < 0.15 AND letters
      THEN brief[:place - 1] || brief[place + 1] || brief[place] || brief[place + 2:]
    WHEN lost THEN brief[:place - 1] || brief[place + 1:]
    WHEN slip < 0.10 THEN
      replace(replace(replace(replace(brief, '更换', '更唤'), '轴承', '轴成'), '漏油', '漏有'), '正常', '正长')
    ELSE brief
  END AS note,
  -- A letter that is lost moves what comes after it.
  list_filter(
    list_transform(pieces, lambda piece, i: {
      'label': MAP {
        's': 'Symptom', 'c': 'Cause', 'a': 'Action', 'p': 'Part', 'm': 'Machine'
      }[regexp_extract(piece, '^<(.):', 1)],
      'begin': stops[i] - sizes[i] - (lost AND stops[i] - sizes[i] >= place)::INTEGER,
      'stop': stops[i] - (lost AND stops[i] >= place)::INTEGER
    }),
    lambda span: span.label IS NOT NULL
  ) AS spans
FROM slips
ORDER BY no;
