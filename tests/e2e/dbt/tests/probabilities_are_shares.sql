SELECT id FROM {{ ref('scored') }} WHERE probability NOT BETWEEN 0 AND 1
